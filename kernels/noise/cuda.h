// The noise of noise.h on planes in device memory.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/noise/noise.h"

namespace n2s::device {

/// noisy[plane][i] = with_noise(noise, units, clean[plane][i], keys[plane], i). All pointers are device memory; `noisy`
/// may be `clean`.
struct DeviceNoise {
  const float* clean = nullptr;
  float* noisy = nullptr;
  const RandomKey* keys = nullptr;  // one for each plane
  int planes = 0;                   // at most 65535
  std::size_t pixels = 0;           // of a plane
  PixelNoise noise;
  PixelUnits units;
};
void add_noise(const DeviceNoise& problem, cudaStream_t stream);

}  // namespace n2s::device
