// Packed weights and scratch memory as floats; check.h has seen to their size and alignment.
#pragma once

#include <cstddef>
#include <span>

namespace n2s {

inline const float* floats(std::span<const std::byte> memory) {
  return reinterpret_cast<const float*>(memory.data());  // NOLINT: aligned
}
inline float* floats(std::span<std::byte> memory) {
  return reinterpret_cast<float*>(memory.data());  // NOLINT: aligned
}

}  // namespace n2s
