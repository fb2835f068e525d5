// Builds training batches on the GPU from a dataset that stays there: the same batches as StackBatches makes, without
// work on the host. Building a batch can be captured once, as part of a CUDA graph, and replayed for all steps.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "engine/training/batches.h"
#include "engine/training/cuda/resident_stacks.h"
#include "kernels/device/tensor.h"
#include "kernels/fft/cuda.h"
#include "kernels/gather_planes/cuda.h"

namespace n2s::device {

class DeviceBatches {
 public:
  /// Copies the stacks into device memory; takes `limit` bytes of it at most. Throws Error as training_targets does,
  /// and NotResident where the dataset is too large, where planes that get noise in frequency space differ in size, or
  /// without cuFFT for this noise: StackBatches has none of these limits. Waits for the stream.
  DeviceBatches(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, std::size_t limit,
                cudaStream_t stream);

  long steps_per_epoch() const;
  Extents extents() const;
  std::size_t bytes() const { return budget_.used(); }  // of device memory

  /// Enqueues the work that builds one batch: input (N, H, W, planes) and target (N, H, W, 1), of the step that was
  /// selected last when the work runs. Allocates nothing and waits for nothing, so that it can be captured. One batch
  /// at a time: all calls must use one stream.
  void load(const DeviceTensor& input, const DeviceTensor& target, Precision precision, cudaStream_t stream);

  /// Uploads what changes from step to step: a few bytes, and in a new epoch its order. Before every load() or replay
  /// of a captured one, on the same stream; never captured.
  void select(const BatchStep& step, cudaStream_t stream);

 private:
  /// An epoch's order, being copied to the device.
  struct Order {
    PinnedArray<std::uint32_t> numbers;
    CudaEvent copied;
  };

  /// The planes of a batch that may get noise in frequency space.
  struct Undersampling {
    DeviceFft2d fft;
    CudaArray<float> keep_probability;
    CudaArray<KspacePlane> planes;
    CudaArray<float2> spectra;
    CudaArray<float> pixels;
  };

  DeviceBatches(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                const BatchSettings& settings, std::size_t limit, cudaStream_t stream);
  void make_undersampling(const std::vector<TrainingStack>& stacks, cudaStream_t stream);
  void upload_order(std::uint32_t epoch, cudaStream_t stream);

  BatchSettings settings_;
  std::optional<PixelNoise> pixel_noise_;
  MemoryBudget budget_;
  std::uint32_t targets_;  // how many
  ResidentStacks stacks_;
  CudaArray<PlannedSample> samples_;
  CudaArray<PlannedPlane> planes_;
  int corrupted_planes_ = 0;  // of a sample, in frequency space
  std::optional<Undersampling> undersampling_;
  CudaArray<BatchStep> step_;
  CudaArray<std::uint32_t> order_;
  std::array<Order, 2> orders_;  // two, as the host may be an epoch ahead
  std::size_t latest_order_ = 0;
  std::optional<std::uint32_t> epoch_;  // whose order is on the device
};

}  // namespace n2s::device
