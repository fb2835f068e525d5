// The first and the last step of a restoration on a GPU: from voxel units to the network's numbers, and from these back
// to voxel units and to the samples that a file stores. Bit for bit what apply_normalisation(), undo_normalisation()
// and encode_samples() make of them on the processor (but for the bits of a NaN).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <limits>

namespace n2s::device {

/// value = voxel * scale + offset, held within [clip_low, clip_high]; in place, computed in double.
struct DeviceNormalise {
  float* values = nullptr;  // device memory
  std::size_t count = 0;
  double scale = 1, offset = 0;
  double clip_low = -std::numeric_limits<double>::infinity();
  double clip_high = std::numeric_limits<double>::infinity();
};
void normalise(const DeviceNormalise& problem, cudaStream_t stream);

/// sample = round(((value - offset) / scale - intercept) / slope), computed in double and rounded to float in between,
/// in voxel units; integers are rounded half away from zero and clamped to their range, NaN gives 0.
struct DeviceCast {
  const float* values = nullptr;  // device memory
  std::size_t count = 0;
  double scale = 1, offset = 0;     // of the normalisation: value = voxel * scale + offset
  double slope = 1, intercept = 0;  // of the file: voxel = sample * slope + intercept
};

/// `samples` is device memory and may be where the values are if T is of their size. T: an integer of 8 to 64 bits,
/// with or without sign, float or double.
template <class T>
void cast_samples(const DeviceCast& problem, T* samples, cudaStream_t stream);

}  // namespace n2s::device
