// A dataset that stays in device memory, in the form that batches are made from.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "engine/training/batches.h"
#include "kernels/base/error.h"
#include "kernels/gather_planes/cuda.h"

namespace n2s::device {

/// Thrown where a dataset cannot stay in device memory, so that the host must make the batches. The message says why,
/// for the user.
class NotResident : public Error {
 public:
  using Error::Error;
};

/// Hands out device memory up to a limit.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  std::size_t used() const { return used_; }  // bytes

  /// Counts memory that is taken elsewhere. Throws NotResident beyond the limit.
  void take(std::size_t bytes);

  /// Throws NotResident beyond the limit and where there is not enough memory.
  template <typename T>
  CudaArray<T> array(std::size_t count) {
    take(count * sizeof(T));
    try {
      return cuda_array<T>(count);
    } catch (const Error& error) {
      throw NotResident(error.what());
    }
  }

 private:
  std::size_t limit_, used_ = 0;
};

/// Noise for which whole planes are transformed.
bool in_frequency_space(const BatchSettings& settings);

/// What is kept of a stack: its planes; where noise is made in frequency space the spectra of the source instead, of
/// the planes as they are stored (normalised), divided by their number of pixels. DC is always kept, so that
/// undersampling and normalisation can change places.
class ResidentStacks {
 public:
  /// Copies everything; `targets` are those of training_targets. Throws NotResident also where planes whose spectra are
  /// needed differ in size. Waits for the stream.
  ResidentStacks(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                 const BatchSettings& settings, MemoryBudget& budget, cudaStream_t stream);

  /// Without the epoch's order.
  ResidentSet set() const;

  /// Of the planes; where noise is made in frequency space all are of this size.
  int height() const { return height_; }
  int width() const { return width_; }

 private:
  void allocate(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, MemoryBudget& budget);
  void upload_stacks(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, cudaStream_t stream);
  void upload_targets(const std::vector<TrainingStack>& stacks, const std::vector<PlaneOfStack>& targets,
                      const BatchSettings& settings, cudaStream_t stream);

  int height_ = 0, width_ = 0;
  std::uint32_t count_ = 0;
  CudaArray<float> voxels_;
  CudaArray<float2> spectra_;
  CudaArray<ResidentStack> stacks_;
  CudaArray<ResidentTarget> targets_;
  CudaArray<int> neighbours_;
};

}  // namespace n2s::device
