// See voxel_statistics.h.
#include "data/voxel_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr int kDropped = 12;  // bits of the mantissa that do not count

/// Unsigned numbers in the order of the floats; -0 comes as 0.
std::uint32_t ordered_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}

/// Of the values in a bin the one nearest to 0, which has no dropped bits.
float first_of_bin(std::size_t bin) {
  const auto ordered = static_cast<std::uint32_t>(bin) << kDropped;
  if ((ordered >> 31) != 0) return std::bit_cast<float>(ordered & 0x7FFFFFFFU);
  return std::bit_cast<float>(~(ordered | ((1U << kDropped) - 1)));
}

}  // namespace

// Checks for NaN here too: nth_element on NaN is undefined, and a silent wrong percentile would spoil a training.
StackStatistics::StackStatistics(const std::vector<const Stack*>& stacks, const OrderStatistics& find)
    : stacks_(&stacks), find_(&find) {
  for (const Stack* stack : stacks) {
    for (const float value : stack->voxels) {
      if (!std::isfinite(value)) throw Error("a voxel is NaN or infinite: replace such voxels before normalising");
      low_ = count_ == 0 ? value : std::min(low_, value);
      high_ = count_ == 0 ? value : std::max(high_, value);
      ++count_;
    }
  }
}

std::size_t StackStatistics::equal_to(float value) const {
  std::size_t count = 0;
  for (const Stack* stack : *stacks_)
    count += static_cast<std::size_t>(std::count(stack->voxels.begin(), stack->voxels.end(), value));
  return count;
}

std::size_t StackStatistics::below(float value) const {
  std::size_t count = 0;
  for (const Stack* stack : *stacks_)
    count += static_cast<std::size_t>(
        std::count_if(stack->voxels.begin(), stack->voxels.end(), [&](float v) { return v < value; }));
  return count;
}

// Two passes: the one-pass formula loses all digits on camera data with a large, nearly constant background.
VoxelStatistics::Moments StackStatistics::moments(float high, std::optional<double> left_out) const {
  double count = 0, sum = 0, squares = 0;
  const auto for_each_counted = [&](auto&& add) {
    for (const Stack* stack : *stacks_)
      for (const float value : stack->voxels)
        if (value <= high && value != left_out) add(value);
  };
  for_each_counted([&](float value) { sum += value, count += 1; });
  const double mean = sum / count;
  for_each_counted([&](float value) { squares += (value - mean) * (value - mean); });
  return {mean, std::sqrt(squares / count)};
}

CountedVoxels::CountedVoxels(const Image& header) {
  const bool small = sample_bytes(header.type) <= 2 && is_integer(header.type);
  exact_ = small && std::isfinite(header.slope) && header.slope > 0 && std::isfinite(header.intercept);
  if (!exact_) {
    counts_.resize(std::size_t{1} << (32 - kDropped));
    return;
  }
  const bool is_signed = header.type == SampleType::int8 || header.type == SampleType::int16;
  counts_.resize(std::size_t{1} << (8 * sample_bytes(header.type)));
  if (is_signed) first_ = -0.5 * static_cast<double>(counts_.size());
  slope_ = header.slope;
  intercept_ = header.intercept;
}

std::size_t CountedVoxels::bin_of(float value) const {
  if (!exact_) return ordered_bits(value) >> kDropped;
  const double integer = std::round((double{value} - intercept_) / slope_) - first_;
  return static_cast<std::size_t>(std::clamp(integer, 0.0, static_cast<double>(counts_.size() - 1)));
}

float CountedVoxels::value_of(std::size_t bin) const {
  const float value =
      exact_ ? static_cast<float>((static_cast<double>(bin) + first_) * slope_ + intercept_) : first_of_bin(bin);
  return std::clamp(value, low_, high_);
}

void CountedVoxels::add(std::span<const float> values) {
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    low_ = count_ == 0 ? value : std::min(low_, value);
    high_ = count_ == 0 ? value : std::max(high_, value);
    ++counts_[bin_of(value)];
    ++count_;
  }
}

void CountedVoxels::add(const CountedVoxels& other) {
  if (other.count_ == 0) return;
  low_ = count_ == 0 ? other.low_ : std::min(low_, other.low_);
  high_ = count_ == 0 ? other.high_ : std::max(high_, other.high_);
  count_ += other.count_;
  for (std::size_t bin = 0; bin < other.counts_.size(); ++bin)
    if (other.counts_[bin] > 0) counts_[bin_of(other.value_of(bin))] += other.counts_[bin];
}

std::vector<float> CountedVoxels::at_ranks(std::span<const std::size_t> ranks) const {
  std::vector<float> found;
  for (const std::size_t rank : ranks) {
    if (rank >= count_) throw Error("there are fewer voxels than the rank that is asked for");
    std::size_t bin = 0;
    for (std::size_t passed = counts_[0]; passed <= rank; passed += counts_[bin]) ++bin;
    found.push_back(value_of(bin));
  }
  return found;
}

std::size_t CountedVoxels::equal_to(float value) const {
  return counts_[bin_of(value)];
}

std::size_t CountedVoxels::below(float value) const {
  std::size_t count = 0;
  for (std::size_t bin = 0; bin < bin_of(value); ++bin) count += counts_[bin];
  return count;
}

VoxelStatistics::Moments CountedVoxels::moments(float high, std::optional<double> left_out) const {
  double count = 0, sum = 0, squares = 0;
  const auto for_each_counted = [&](auto&& add) {
    for (std::size_t bin = 0; bin < counts_.size(); ++bin)
      if (counts_[bin] > 0 && value_of(bin) <= high && value_of(bin) != left_out)
        add(double{value_of(bin)}, static_cast<double>(counts_[bin]));
  };
  for_each_counted([&](double value, double times) { sum += value * times, count += times; });
  const double mean = sum / count;
  for_each_counted([&](double value, double times) { squares += (value - mean) * (value - mean) * times; });
  return {mean, std::sqrt(squares / count)};
}

}  // namespace n2s
