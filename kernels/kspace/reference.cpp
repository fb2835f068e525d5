// Undersampling and k-space data consistency by definition, in double precision, on the reference Fourier transform.
#include "kernels/kspace/kspace.h"

namespace n2s {

std::vector<double> kspace_corrupt_reference(const KspaceSampling& sampling, std::span<const std::uint8_t> mask,
                                             std::span<const double> clean) {
  const SpectrumShape shape{sampling.height, sampling.width};
  auto spectrum = fft2d_reference(clean, shape);
  for (std::size_t i = 0; i < spectrum.size(); ++i)
    spectrum[i] *= mask[i] != 0 ? 1 / static_cast<double>(sampling.keep_probability[i]) : 0.0;
  return inverse_fft2d_reference(spectrum, shape);
}

std::vector<double> kspace_data_consistency_reference(const KspaceSampling& sampling,
                                                      std::span<const std::uint8_t> mask, std::span<const double> noisy,
                                                      std::span<const double> restored) {
  const SpectrumShape shape{sampling.height, sampling.width};
  const auto measured = fft2d_reference(noisy, shape);
  auto spectrum = fft2d_reference(restored, shape);
  for (std::size_t i = 0; i < spectrum.size(); ++i)
    if (mask[i] != 0) spectrum[i] = measured[i] * static_cast<double>(sampling.keep_probability[i]);
  return inverse_fft2d_reference(spectrum, shape);
}

}  // namespace n2s
