// The definition of the GPU's tensor layout, for tests.
#pragma once

#include <span>
#include <vector>

#include "kernels/base/tensor.h"

namespace n2s {

/// Dense NHWC values with the channels of each pixel padded by zeros to a multiple of eight.
std::vector<float> pad_channels_reference(std::span<const float> dense, const Shape& shape);

/// The inverse: the shape's channels of each pixel, without the padding.
std::vector<float> strip_channels_reference(std::span<const float> padded, const Shape& shape);

}  // namespace n2s
