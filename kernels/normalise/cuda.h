// Normalisation on a GPU, the first and the last step of a restoration: voxel units to the network's input, and its
// output back to voxel units. Bit for bit what apply_normalisation() and undo_normalisation() (data/normalisation.h)
// compute on the CPU, except for the bits of a NaN.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <limits>

namespace n2s::device {

/// value = voxel * scale + offset, held within [clip_low, clip_high]; in place, computed in double. NaN stays NaN.
struct DeviceNormalise {
  float* values = nullptr;  // device memory
  std::size_t count = 0;
  double scale = 1, offset = 0;
  double clip_low = -std::numeric_limits<double>::infinity();
  double clip_high = std::numeric_limits<double>::infinity();
};
void normalise(const DeviceNormalise& problem, cudaStream_t stream);

/// voxel = (value - offset) / scale; in place, computed in double.
struct DeviceDenormalise {
  float* values = nullptr;  // device memory
  std::size_t count = 0;
  double scale = 1, offset = 0;
};
void denormalise(const DeviceDenormalise& problem, cudaStream_t stream);

}  // namespace n2s::device
