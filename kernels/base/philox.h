// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A
// number is a function of its key and index, not of what was drawn before: the same on CPU and GPU, in any order, on
// any number of threads or devices.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/host_device.h"

namespace n2s {

/// What a random number is used for; numbers for different purposes are independent. The values are part of the
/// results: do not renumber.
enum class Purpose : std::uint32_t {
  initial_weights = 1,
  shuffle = 2,
  crop = 3,
  shift = 4,
  orientation = 5,
  noise_input = 6,   // first noisy copy
  noise_target = 7,  // second, independent one
  test = 8,
  blind_spots = 9,
  phantom = 10,  // what simulated data show
  camera = 11,   // the fixed pattern of a simulated camera
};

/// Identifies a stream of random numbers by where in a run it is used.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::test;
  std::uint32_t epoch = 0;
  std::uint32_t item = 0;   // step, plane, layer: whatever the purpose counts
  std::uint32_t minor = 0;  // sample within the step, stack of the plane, …; at most 2^12 - 1
};

/// Four words: a counter, or the random bits that it gives.
struct PhiloxBlock {
  std::uint32_t words[4];
  N2S_HOST_DEVICE std::uint32_t operator[](std::uint32_t index) const { return words[index]; }
  bool operator==(const PhiloxBlock&) const = default;
};

/// The bijection itself: ten rounds.
N2S_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock counter, std::uint64_t key) {
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(a)}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

/// Four numbers, block `index` of the key's stream. Purpose takes the counter's last word together with `minor`.
N2S_HOST_DEVICE inline PhiloxBlock random_block(const RandomKey& key, std::uint32_t index) {
  const std::uint32_t last = (static_cast<std::uint32_t>(key.purpose) << 12) | (key.minor & 0xFFFU);
  return philox4x32({{index, key.epoch, key.item, last}}, key.seed);
}

/// Number `index` of the key's stream.
N2S_HOST_DEVICE inline std::uint32_t random_bits(const RandomKey& key, std::uint32_t index) {
  return random_block(key, index / 4)[index % 4];
}

/// [0, 1), multiples of 2^-24.
N2S_HOST_DEVICE inline float random_uniform(const RandomKey& key, std::uint32_t index) {
  return static_cast<float>(random_bits(key, index) >> 8) * 0x1p-24F;
}

/// An integer in [0, count), by multiplication (Lemire 2019); the bias is below count / 2^32.
N2S_HOST_DEVICE inline std::uint32_t random_below(const RandomKey& key, std::uint32_t index, std::uint32_t count) {
  return static_cast<std::uint32_t>((std::uint64_t{random_bits(key, index)} * count) >> 32);
}

/// Standard normal, Box-Muller on the numbers 2 * index and 2 * index + 1 of the stream.
N2S_HOST_DEVICE inline double random_normal(const RandomKey& key, std::uint32_t index) {
  constexpr double kTwoPi = 6.283185307179586476925;
  const PhiloxBlock block = random_block(key, index / 2);
  const std::uint32_t pair = 2 * (index % 2);
  const double radius = std::sqrt(-2 * std::log((block[pair] + 1.0) * 0x1p-32));  // (0, 1]: no logarithm of 0
  return radius * std::cos(kTwoPi * block[pair + 1] * 0x1p-32);
}

}  // namespace n2s
