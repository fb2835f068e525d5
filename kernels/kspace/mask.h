// Which frequencies a mask keeps, decided by the same code on CPU and GPU.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"

namespace n2s {

/// Bin (y, x) of the half spectrum is kept if number drawing_bin() of the key's stream says so. In the columns x = 0
/// and x = width / 2 both of a pair {k, -k} are stored: the upper one draws for the two.
N2S_HOST_DEVICE inline std::uint32_t drawing_bin(int height, int width, int y, int x) {
  const bool paired = x == 0 || 2 * x == width;
  const int row = paired && 2 * y > height ? height - y : y;
  return static_cast<std::uint32_t>(row) * static_cast<std::uint32_t>(width / 2 + 1) + static_cast<std::uint32_t>(x);
}

/// All 32 bits count: probabilities are small at low rates.
N2S_HOST_DEVICE inline bool is_kept(std::uint32_t bits, float keep_probability) {
  return static_cast<double>(bits) < static_cast<double>(keep_probability) * 0x1p32;
}

}  // namespace n2s
