// Which samples a training batch has and which random keys they use, as a function of the epoch and step: the same on
// CPU and GPU.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"
#include "kernels/base/philox.h"

namespace n2s {

/// Position of a batch in the training.
struct BatchStep {
  std::uint32_t epoch = 0;
  std::uint32_t step = 0;  // in the epoch
  bool operator==(const BatchStep&) const = default;
};

/// The target of a stack without a second, stored copy: a noisy copy of the source, drawn like those of the input
/// (which shows other planes); a second, independent noisy copy; the source itself; or a noisy copy of the plane that
/// forms a pair with the one that the input shows.
enum class TargetOf { source_copy, second_copy, clean_source, partner_copy };

/// The key of an epoch's order (shuffled).
N2S_HOST_DEVICE inline RandomKey order_key(std::uint64_t seed, std::uint32_t epoch) {
  return {seed, Purpose::shuffle, epoch, 0, 0};
}

/// Place in the epoch's order of sample `position` of a batch. The last batch is filled up from the epoch's beginning.
N2S_HOST_DEVICE inline std::uint32_t place_in_epoch(std::uint32_t step, int batch, int position, std::uint32_t count) {
  const std::uint64_t place =
      std::uint64_t{step} * static_cast<std::uint64_t>(batch) + static_cast<std::uint64_t>(position);
  return static_cast<std::uint32_t>(place % count);
}

/// draw_sample's key for sample `position` of a batch.
N2S_HOST_DEVICE inline RandomKey variation_key(std::uint64_t seed, const BatchStep& step, int position) {
  return {seed, Purpose::crop, step.epoch, step.step, static_cast<std::uint32_t>(position)};
}

/// The key of the noise on plane `plane` of a sample's stack. `copy` is noise_input or noise_target.
N2S_HOST_DEVICE inline RandomKey sample_noise_key(std::uint64_t seed, Purpose copy, const BatchStep& step, int batch,
                                                  int position, int plane) {
  return {seed, copy, step.epoch, step.step * static_cast<std::uint32_t>(batch) + static_cast<std::uint32_t>(position),
          static_cast<std::uint32_t>(plane) & 0x7FFU};
}

/// The key of the pixels that are hidden from the network in sample `position` of a batch.
N2S_HOST_DEVICE inline RandomKey blind_spot_key(std::uint64_t seed, const BatchStep& step, int batch, int position) {
  return {seed, Purpose::blind_spots, step.epoch,
          step.step * static_cast<std::uint32_t>(batch) + static_cast<std::uint32_t>(position), 0};
}

}  // namespace n2s
