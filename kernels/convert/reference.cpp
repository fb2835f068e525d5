// Padding by definition, pixel after pixel: what the tests compare the GPU's conversions with.
#include "kernels/convert/reference.h"

namespace n2s {

std::vector<float> pad_channels_reference(std::span<const float> dense, const Shape& shape) {
  std::vector<float> padded;
  for (std::ptrdiff_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    for (int c = 0; c < shape.channels; ++c)
      padded.push_back(dense[static_cast<std::size_t>(pixel * shape.channels + c)]);
    while (padded.size() % 8 != 0) padded.push_back(0);
  }
  return padded;
}

std::vector<float> strip_channels_reference(std::span<const float> padded, const Shape& shape) {
  const auto stored = static_cast<std::ptrdiff_t>(padded.size()) / shape.pixels();
  std::vector<float> dense;
  for (std::ptrdiff_t pixel = 0; pixel < shape.pixels(); ++pixel)
    for (int c = 0; c < shape.channels; ++c) dense.push_back(padded[static_cast<std::size_t>(pixel * stored + c)]);
  return dense;
}

}  // namespace n2s
