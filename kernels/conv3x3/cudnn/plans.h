// What cuDNN needs beside memory: its handle, and for each convolution its descriptors and the algorithm that is used.
// They are made when a layer's memory is planned, that is before work is captured or timed.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cudnn/library.h"
#include "kernels/device/tensor.h"

namespace n2s::device {

struct CudnnProblem {
  ConvPass pass = ConvPass::forward;
  Precision precision = Precision::fp32;
  int batch = 0, height = 0, width = 0;  // pixels
  int inputs = 0, outputs = 0;           // channels as stored

  auto key() const { return std::tuple(pass, precision, batch, height, width, inputs, outputs); }
  bool operator<(const CudnnProblem& other) const { return key() < other.key(); }
};

/// Device memory of a problem: x (batch, height, width, inputs), w [outputs][3][3][inputs], y (batch, height, width,
/// outputs). Two of them are read, and the third, or its gradient, is written.
struct CudnnOperands {
  void* x = nullptr;
  void* w = nullptr;
  void* y = nullptr;
};

class CudnnPlans {
 public:
  /// For the current device. Throws Error where cuDNN is not found or does not start.
  CudnnPlans();
  ~CudnnPlans();
  CudnnPlans(const CudnnPlans&) = delete;
  CudnnPlans& operator=(const CudnnPlans&) = delete;

  /// Makes the plan where there is none yet. Throws Error where cuDNN cannot do it, or not twice with the same result.
  std::size_t workspace_bytes(const CudnnProblem& problem);

  /// Enqueues it; workspace is workspace_bytes() large.
  void run(const CudnnProblem& problem, const CudnnOperands& operands, void* workspace, cudaStream_t stream);

  /// Runs every plan that has not run yet, on memory of its own, and waits. To be called before work is captured: the
  /// library loads, and may compile, its kernels when they are first used.
  void warm_up(cudaStream_t stream);

 private:
  struct Plan;
  const Plan& plan(const CudnnProblem& problem);

  struct DestroyHandle {
    void operator()(CudnnFunctions::Handle* handle) const { cudnn().destroy(handle); }
  };
  std::unique_ptr<CudnnFunctions::Handle, DestroyHandle> handle_;
  cudaStream_t stream_ = nullptr;  // the handle's
  bool has_stream_ = false;
  std::map<CudnnProblem, std::unique_ptr<const Plan>> plans_;
  std::set<CudnnProblem> ran_;
};

}  // namespace n2s::device
