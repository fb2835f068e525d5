// Undersampling in frequency space on a GPU: the masks of kspace.h, bit for bit, on many planes at once. Masks are
// drawn when they are applied, and never stored.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/philox.h"
#include "kernels/fft/cuda.h"

namespace n2s::device {

/// KspaceSampling, with its probabilities in device memory.
struct DeviceKspaceSampling {
  int height = 0, width = 0;  // pixels
  const float* keep_probability = nullptr;
};

/// One plane's spectrum, in device memory, and the key of its mask.
struct KspacePlane {
  const float2* spectrum = nullptr;  // null: zero
  RandomKey key;
};

/// weighted[plane] = spectrum * mask / p, the spectrum of the corrupted plane. `planes` (device memory) has `count`
/// elements, at most 65535; `weighted` holds as many spectra.
void kspace_weight(const DeviceKspaceSampling& sampling, const KspacePlane* planes, int count, float2* weighted,
                   cudaStream_t stream);

/// kspace_data_consistency() for fft.batch() planes. All pointers are device memory; `keys` has one per plane.
struct DeviceKspaceConsistency {
  DeviceKspaceSampling sampling;
  const RandomKey* keys = nullptr;
  const float* noisy = nullptr;
  float* restored = nullptr;   // in and out
  float2* measured = nullptr;  // scratch: one spectrum per plane
  float2* spectra = nullptr;   // scratch of the same size
};
void kspace_data_consistency(const DeviceKspaceConsistency& problem, DeviceFft2d& fft, cudaStream_t stream);

}  // namespace n2s::device
