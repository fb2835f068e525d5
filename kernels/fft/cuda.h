// The Fourier transform of fft.h on a GPU, of many images at once, through cuFFT.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>

#include "kernels/fft/fft.h"

namespace n2s::device {

/// Transforms `batch` images of one size, contiguous in device memory, as their spectra are. The object owns cuFFT's
/// work area, so only one transform runs at a time: use one stream, or one object per stream.
class DeviceFft2d {
 public:
  /// Throws Error where cuFFT is not installed, does not support the size, or runs out of memory.
  DeviceFft2d(int height, int width, int batch);
  ~DeviceFft2d();
  DeviceFft2d(DeviceFft2d&&) noexcept;
  DeviceFft2d& operator=(DeviceFft2d&&) noexcept;

  SpectrumShape shape() const;
  int batch() const;
  std::size_t bytes() const;  // of device memory

  /// S(k) = sum of image(x) exp(-2 pi i k x / size), not scaled. images: batch * height * width values, unchanged;
  /// spectra: batch * shape().size().
  void forward(const float* images, float2* spectra, cudaStream_t stream);
  /// The inverse of forward, scaled by 1 / (height * width). `spectra` is overwritten.
  void inverse(float2* spectra, float* images, cudaStream_t stream);
  /// The same without scaling, for spectra that are scaled already.
  void inverse_unscaled(float2* spectra, float* images, cudaStream_t stream);

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

/// to[i] = factor * from[i]; `to` may be `from`.
void scale(const float* from, float* to, std::size_t count, float factor, cudaStream_t stream);

}  // namespace n2s::device
