// Matrix products by cuBLASLt: its handle, and for each shape its descriptors and the algorithm that is used. They are
// made when a layer's memory is planned.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "kernels/conv3x3/cublas/library.h"
#include "kernels/device/precision.h"

namespace n2s::device {

/// Of the matrix of patches, [pixel][depth] row by row, with [output][depth] weights: [pixel][output]. Or, for the
/// weight gradient, of [pixel][output] gradients with the patches: [output][depth] in fp32.
struct PatchProduct {
  bool is_weight_gradient = false;
  Precision precision = Precision::fp32;
  std::int64_t pixels = 0;
  int depth = 0, outputs = 0;

  auto key() const { return std::tuple(is_weight_gradient, precision, pixels, depth, outputs); }
  bool operator<(const PatchProduct& other) const { return key() < other.key(); }
};

struct PatchOperands {
  const void* patches = nullptr;
  const void* other = nullptr;  // weights, or gradients
  void* result = nullptr;
  bool adds = false;  // to what result holds
};

class CublasProducts {
 public:
  /// For the current device. Throws Error where cuBLASLt is not found or does not start.
  CublasProducts();
  ~CublasProducts();
  CublasProducts(const CublasProducts&) = delete;
  CublasProducts& operator=(const CublasProducts&) = delete;

  /// Makes the plan where there is none yet. Throws Error where the library has no algorithm.
  std::size_t workspace_bytes(const PatchProduct& product);

  /// Enqueues it; workspace is workspace_bytes() large.
  void run(const PatchProduct& product, const PatchOperands& operands, void* workspace, cudaStream_t stream);

 private:
  struct Plan;
  const Plan& plan(const PatchProduct& product);

  struct DestroyHandle {
    void operator()(CublasFunctions::Handle* handle) const { cublas().destroy(handle); }
  };
  std::unique_ptr<CublasFunctions::Handle, DestroyHandle> handle_;
  std::map<PatchProduct, std::unique_ptr<const Plan>> plans_;
};

}  // namespace n2s::device
