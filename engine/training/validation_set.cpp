// Cuts held-out planes into windows, writes each as one sample, and compares the errors of two models on them.
#include "engine/training/validation_set.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/training/sample_writer.h"

namespace n2s {
namespace {

struct Window {
  PlaneOfStack plane;
  int top = 0, left = 0;
};

/// Where windows of `side` pixels begin that cover `length` pixels; the last one ends where the plane does.
std::vector<int> starts(int length, int side) {
  std::vector<int> result;
  const int count = std::max(1, (length + side - 1) / side);
  result.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) result.push_back(count == 1 ? 0 : i * (length - side) / (count - 1));
  return result;
}

std::vector<Window> windows_of(const std::vector<TrainingStack>& stacks, const Extents& extents) {
  std::vector<Window> windows;
  for (int s = 0; s < static_cast<int>(stacks.size()); ++s) {
    const TrainingStack& stack = stacks[static_cast<std::size_t>(s)];
    for (const int plane : stack.held_out)
      for (const int top : starts(stack.source.height, extents.height))
        for (const int left : starts(stack.source.width, extents.width)) windows.push_back({{s, plane}, top, left});
  }
  return windows;
}

/// `most` of them at random, in their order.
std::vector<Window> spread(const std::vector<Window>& windows, int most, std::uint64_t seed) {
  if (static_cast<int>(windows.size()) <= most) return windows;
  std::vector<std::uint32_t> order =
      shuffled(static_cast<std::uint32_t>(windows.size()), {seed, Purpose::shuffle, 0xFFFFFFFFU});
  order.resize(static_cast<std::size_t>(most));
  std::sort(order.begin(), order.end());
  std::vector<Window> chosen;
  chosen.reserve(order.size());
  for (const std::uint32_t i : order) chosen.push_back(windows[i]);
  return chosen;
}

Sample sample_of(const Window& window, const Extents& extents) {
  Sample sample;
  sample.target = window.plane;
  sample.augmentation.crop_height = extents.height;
  sample.augmentation.crop_width = extents.width;
  sample.draw.top = window.top;
  sample.draw.left = window.left;
  return sample;
}

}  // namespace

ValidationSet make_validation_set(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, int divisor,
                                  const ValidationWindows& windows) {
  ValidationSet set;
  set.extents = {1, windows.side, windows.side};
  for (const TrainingStack& stack : stacks) {
    set.extents.height = std::min(set.extents.height, (stack.source.height + divisor - 1) / divisor * divisor);
    set.extents.width = std::min(set.extents.width, (stack.source.width + divisor - 1) / divisor * divisor);
  }
  const std::vector<Window> chosen = spread(windows_of(stacks, set.extents), windows.most, settings.seed);
  set.batches = static_cast<int>(chosen.size());
  if (set.batches == 0) return {};
  const Shape input{set.batches, set.extents.height, set.extents.width, settings.planes};
  const Shape target{set.batches, set.extents.height, set.extents.width, 1};
  set.inputs.resize(static_cast<std::size_t>(input.elements()));
  set.targets.resize(static_cast<std::size_t>(target.elements()));

  const SampleWriter writer(stacks, settings);
  int position = 0;
  for (const Window& window : chosen) {
    Sample sample = sample_of(window, set.extents);
    sample.position = position++;
    sample.noise_key = [&](Purpose copy, int of) { return plane_key(settings.seed, copy, window.plane.stack, of); };
    sample.blind_key = {settings.seed, Purpose::blind_spots, 0xFFFFFFFFU, static_cast<std::uint32_t>(sample.position)};
    if (settings.noise) set.noise_keys.push_back(sample.noise_key(Purpose::noise_input, window.plane.plane));
    writer.write(sample, {set.inputs.data(), input}, {set.targets.data(), target});
  }
  return set;
}

void append_block_errors(std::span<const float> image, std::span<const float> target, const Extents& extents,
                         std::vector<float>& errors) {
  constexpr int kSide = 32;
  for (int top = 0; top < extents.height; top += kSide)
    for (int left = 0; left < extents.width; left += kSide) {
      const int bottom = std::min(top + kSide, extents.height);
      const int right = std::min(left + kSide, extents.width);
      double sum = 0;
      int count = 0;
      for (int y = top; y < bottom; ++y)
        for (int x = left; x < right; ++x) {
          const std::size_t i =
              static_cast<std::size_t>(y) * static_cast<std::size_t>(extents.width) + static_cast<std::size_t>(x);
          if (std::isnan(target[i])) continue;
          const double difference = double{image[i]} - double{target[i]};
          sum += difference * difference;
          ++count;
        }
      errors.push_back(static_cast<float>(sum / std::max(count, 1)));
    }
}

bool clearly_lower(std::span<const float> errors, std::span<const float> other) {
  if (other.size() != errors.size()) return true;
  const auto n = static_cast<double>(errors.size());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const double gain = double{other[i]} - double{errors[i]};
    sum += gain;
    squares += gain * gain;
  }
  const double mean = sum / n;
  const double variance = std::max(0.0, squares / n - mean * mean);
  return mean > std::sqrt(variance / std::max(1.0, n - 1));
}

}  // namespace n2s
