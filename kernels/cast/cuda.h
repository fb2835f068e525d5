// The last step of a restoration on a GPU: from the network's numbers back to voxel units, and to the samples that the
// file stores. Bit for bit what undo_normalisation() and encode_samples() make of them on the processor (but for the
// bits of a NaN).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace n2s::device {

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
