// Fitting, applying and storing the affine map from voxels to network numbers; see the header for the sources.
#include "data/normalisation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/voxel_statistics.h"
#include "kernels/base/error.h"
#include "kernels/base/percentile.h"

namespace n2s {
namespace {

struct Extent {
  std::size_t count = 0;
  float low = 0, high = 0;
};

std::vector<float> pool(const std::vector<const Stack*>& stacks) {
  std::size_t count = 0;
  for (const Stack* stack : stacks) count += stack->voxels.size();
  std::vector<float> values;
  values.reserve(count);
  for (const Stack* stack : stacks) values.insert(values.end(), stack->voxels.begin(), stack->voxels.end());
  return values;
}

/// Reorders the values so that those at `ranks` are where they would be in sorted ones, with -0 as 0.
void sort_at(std::vector<std::size_t> ranks, std::span<float> values) {
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  if (!ranks.empty() && ranks.back() >= values.size())
    throw Error(fmt::format("there are only {} voxels to sort", values.size()));
  std::size_t first = 0;  // all before it are in front of the next requested one
  for (const std::size_t rank : ranks) {
    const std::span<float> rest = values.subspan(first);
    const auto requested = rest.begin() + static_cast<std::ptrdiff_t>(rank - first);
    if (rank == first)
      std::iter_swap(requested, std::min_element(rest.begin(), rest.end()));  // one pass
    else
      std::nth_element(rest.begin(), requested, rest.end());
    *requested += 0.0F;  // the two zeros are equal, so either may be found
    first = rank + 1;
  }
}

void check_percent(double percent, const char* name) {
  if (!(percent >= 0 && percent <= 100))
    throw Error(fmt::format("the {} is {:g}: give a percentage from 0 to 100", name, percent));
}

/// Of a percentile's two neighbours among the sorted values; at the end there is only one.
std::array<std::size_t, 2> ranks_of(const PercentilePosition& position, std::size_t count) {
  return {position.below, std::min(position.below + 1, count - 1)};
}

constexpr double kSaturatedSpreads = 5;  // from the bulk to a maximum that counts as saturation
constexpr std::size_t kFewest = 16;      // voxels: fewer have no percentiles worth the name

/// The voxels that statistics are of: all, but for a constant background and a saturated maximum.
struct Counted {
  std::size_t below = 0;       // voxels below the background
  std::size_t background = 0;  // voxels left out in the middle
  std::size_t count = 0;       // voxels that are left

  std::size_t rank_among_all(std::size_t rank) const { return rank < below ? rank : rank + background; }
};

/// A value that more than half of the voxels have is their median.
Counted without_background(const VoxelStatistics& voxels, std::size_t count, std::optional<double>& background) {
  Counted all{0, 0, count};
  const float median = voxels.at_ranks(std::array{count / 2}).front();
  const std::size_t equal = voxels.equal_to(median);
  if (equal <= count / 2 || count - equal < kFewest) return all;
  background = median;
  all.below = voxels.below(median);
  all.background = equal;
  all.count = count - equal;
  return all;
}

std::vector<double> percentiles(const VoxelStatistics& voxels, const Counted& counted,
                                const std::vector<double>& percents) {
  std::vector<std::size_t> ranks;
  for (const double percent : percents)
    for (const std::size_t rank : ranks_of(percentile_position(counted.count, percent), counted.count))
      ranks.push_back(counted.rank_among_all(rank));
  const std::vector<float> found = voxels.at_ranks(ranks);
  std::vector<double> values;
  for (std::size_t i = 0; i < percents.size(); ++i)
    values.push_back(
        between(found.at(2 * i), found.at(2 * i + 1), percentile_position(counted.count, percents[i]).part));
  return values;
}

BulkLevels bulk_of(const VoxelStatistics& voxels, const Counted& counted) {
  const std::vector<double> found = percentiles(voxels, counted, {10, 50, 90});
  return {found[1], found[2] - found[0]};
}

/// What statistics of these stacks are of, as the options say. `extent` then holds the limits of what is left.
Counted counted_voxels(const VoxelStatistics& voxels, const NormalisationOptions& options, Extent& extent,
                       std::optional<double>& background) {
  Counted counted{0, 0, extent.count};
  if (options.leave_out_background) counted = without_background(voxels, extent.count, background);
  if (!options.leave_out_saturated) return counted;
  const std::size_t saturated = voxels.equal_to(extent.high);
  if (saturated < 2 || counted.count < saturated + kFewest) return counted;
  const BulkLevels bulk = bulk_of(voxels, counted);
  if (bulk.spread <= 0 || extent.high - bulk.centre <= kSaturatedSpreads * bulk.spread) return counted;
  counted.count -= saturated;
  extent.high = voxels.at_ranks(std::array{counted.rank_among_all(counted.count - 1)}).front();
  return counted;
}

void fit_range(const VoxelStatistics& voxels, const Counted& counted, const Extent& extent,
               const NormalisationOptions& options, Normalisation& fitted) {
  check_percent(options.range_percentile, "range percentile");
  double divisor = extent.high;
  if (options.range_percentile < 100) divisor = percentiles(voxels, counted, {options.range_percentile}).front();
  if (!(divisor > 0)) {
    throw Error(fmt::format(
        "\"range\" divides by the {:g}th percentile of the voxels, which is {:g}, not above 0: use \"percentile\"",
        options.range_percentile, divisor));
  }
  fitted.scale = 1 / divisor;
  fitted.offset = -0.5;
  if (options.clip) fitted.clip_low = -0.5, fitted.clip_high = 0.5;
}

/// Two percentiles, or minimum and maximum where these are the same.
std::vector<double> limits(const VoxelStatistics& voxels, const Counted& counted, const Extent& extent,
                           const std::vector<double>& percents) {
  const std::vector<double> found = percentiles(voxels, counted, percents);
  return found[0] < found[1] ? found : std::vector<double>{extent.low, extent.high};
}

void fit_robust_range(const VoxelStatistics& voxels, const Counted& counted, const Extent& extent,
                      Normalisation& fitted) {
  const std::vector<double> found = limits(voxels, counted, extent, {0.1, 99.9});
  const double high = found[1];
  // Intensities of magnitude images begin at 0, which a network may take as "nothing there".
  const double low = extent.low >= 0 && found[0] < high / 2 ? 0 : found[0];
  fitted.scale = 1 / (high - low);
  fitted.offset = -low / (high - low) - 0.5;
}

void fit_percentile(const VoxelStatistics& voxels, const Counted& counted, const Extent& extent,
                    const NormalisationOptions& options, Normalisation& fitted) {
  check_percent(options.low_percentile, "low percentile");
  check_percent(options.high_percentile, "high percentile");
  if (!(options.low_percentile < options.high_percentile)) {
    throw Error(fmt::format("the low percentile {:g} is not below the high one, {:g}", options.low_percentile,
                            options.high_percentile));
  }
  const std::vector<double> percents{options.low_percentile, options.high_percentile};
  const std::vector<double> found =
      options.leave_out_background ? limits(voxels, counted, extent, percents) : percentiles(voxels, counted, percents);
  const double low = found[0];
  const double high = found[1];
  if (!(low < high)) {
    throw Error(fmt::format("the percentiles {:g} and {:g} are both {:g}: choose percentiles further apart",
                            options.low_percentile, options.high_percentile, low));
  }
  fitted.scale = 1 / (high - low);
  fitted.offset = -low / (high - low);
  if (options.clip) fitted.clip_low = 0, fitted.clip_high = 1;
}

void fit_mean_std(const VoxelStatistics& voxels, const Extent& extent, Normalisation& fitted) {
  const auto [mean, deviation] = voxels.moments(extent.high, fitted.background);
  if (deviation == 0) throw Error(fmt::format("every voxel but the background is {:g}: use \"range\"", mean));
  fitted.scale = 1 / deviation;
  fitted.offset = -mean / deviation;
}

void check_usable(const Normalisation& normalisation) {
  const auto finite = [](const std::optional<double>& limit) { return !limit || std::isfinite(*limit); };
  if (!std::isfinite(normalisation.scale) || normalisation.scale == 0)
    throw Error(fmt::format("normalisation: the scale is {:g}: it must be finite and not 0", normalisation.scale));
  if (!std::isfinite(normalisation.offset) || !finite(normalisation.clip_low) || !finite(normalisation.clip_high))
    throw Error("normalisation: the offset or a clip limit is not finite");
  if (normalisation.clip_low && normalisation.clip_high && !(*normalisation.clip_low < *normalisation.clip_high))
    throw Error("normalisation: clip_low is not below clip_high");
}

double number_at(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) throw Error(fmt::format("normalisation: the field \"{}\" is missing", key));
  if (!found->is_number()) throw Error(fmt::format("normalisation: the field \"{}\" is not a finite number", key));
  return found->get<double>();
}

}  // namespace

std::vector<std::string> normalisation_kinds() {
  return {"percentile", "robust-range", "mean-std", "range", "none"};
}

double percentile(std::span<float> values, double percent) {
  if (values.empty()) throw Error("there are no voxels to take a percentile of");
  check_percent(percent, "percentile");
  const PercentilePosition position = percentile_position(values.size(), percent);
  const auto [below, above] = ranks_of(position, values.size());
  sort_at({below, above}, values);
  return between(values[below], values[above], position.part);
}

std::vector<float> order_statistics(const std::vector<const Stack*>& stacks, std::span<const std::size_t> ranks) {
  std::vector<float> values = pool(stacks);
  sort_at({ranks.begin(), ranks.end()}, values);
  std::vector<float> found;
  for (const std::size_t rank : ranks) found.push_back(values[rank]);
  return found;
}

BulkLevels bulk_levels(const VoxelStatistics& voxels) {
  if (voxels.count() == 0) return {};
  std::optional<double> background;
  return bulk_of(voxels, without_background(voxels, voxels.count(), background));
}

BulkLevels bulk_levels(const std::vector<const Stack*>& stacks, const OrderStatistics& find) {
  return bulk_levels(StackStatistics(stacks, find));
}

Normalisation fit_normalisation(const VoxelStatistics& voxels, const NormalisationOptions& options) {
  Normalisation fitted;
  fitted.kind = options.kind;
  Extent extent{voxels.count(), voxels.low(), voxels.high()};
  if (extent.count == 0) throw Error("there are no voxels to normalise");
  if (extent.low == extent.high)
    throw Error(fmt::format("every voxel is {:g}: there is nothing to learn from", extent.low));
  const Counted counted = counted_voxels(voxels, options, extent, fitted.background);
  if (options.kind == "range") {
    fit_range(voxels, counted, extent, options, fitted);
  } else if (options.kind == "robust-range") {
    fit_robust_range(voxels, counted, extent, fitted);
  } else if (options.kind == "percentile") {
    fit_percentile(voxels, counted, extent, options, fitted);
  } else if (options.kind == "mean-std") {
    fit_mean_std(voxels, extent, fitted);
  } else if (options.kind != "none") {
    throw Error(fmt::format("there is no normalisation \"{}\": use none, range, robust-range, percentile or mean-std",
                            options.kind));
  }
  check_usable(fitted);
  return fitted;
}

Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                const OrderStatistics& find) {
  return fit_normalisation(StackStatistics(stacks, find), options);
}

void apply_normalisation(const Normalisation& normalisation, std::span<float> values, bool clip) {
  for (float& value : values) {
    double mapped = value * normalisation.scale + normalisation.offset;
    if (clip && normalisation.clip_low) mapped = std::max(mapped, *normalisation.clip_low);
    if (clip && normalisation.clip_high) mapped = std::min(mapped, *normalisation.clip_high);
    value = static_cast<float>(mapped);
  }
}

void undo_normalisation(const Normalisation& normalisation, std::span<float> values) {
  for (float& value : values) value = static_cast<float>((value - normalisation.offset) / normalisation.scale);
}

void to_json(nlohmann::json& json, const Normalisation& normalisation) {
  json = {{"kind", normalisation.kind}, {"scale", normalisation.scale}, {"offset", normalisation.offset}};
  if (normalisation.clip_low) json["clip_low"] = *normalisation.clip_low;
  if (normalisation.clip_high) json["clip_high"] = *normalisation.clip_high;
}

void from_json(const nlohmann::json& json, Normalisation& normalisation) {
  if (!json.is_object()) throw Error("normalisation: not an object of fields");
  const auto kind = json.find("kind");
  if (kind == json.end()) throw Error("normalisation: the field \"kind\" is missing");
  if (!kind->is_string()) throw Error("normalisation: the field \"kind\" is not a text");
  Normalisation read;
  read.kind = kind->get<std::string>();
  read.scale = number_at(json, "scale");
  read.offset = number_at(json, "offset");
  if (json.contains("clip_low")) read.clip_low = number_at(json, "clip_low");
  if (json.contains("clip_high")) read.clip_high = number_at(json, "clip_high");
  check_usable(read);
  normalisation = read;
}

void check_finite(const Stack& stack, const std::string& name, int first_plane) {
  const auto bad = [](float value) { return !std::isfinite(value); };
  const auto first = std::find_if(stack.voxels.begin(), stack.voxels.end(), bad);
  if (first == stack.voxels.end()) return;
  const auto count = std::count_if(first, stack.voxels.end(), bad);
  const auto index = static_cast<std::size_t>(first - stack.voxels.begin());
  const auto width = static_cast<std::size_t>(std::max(stack.width, 1));
  const auto height = static_cast<std::size_t>(std::max(stack.height, 1));
  throw Error(fmt::format(
      "{}: {} of {} voxels are NaN or infinite, the first at plane {}, row {}, column {} (from 0); replace them, "
      "e.g. by 0 or the background value",
      name, count, stack.voxels.size(), static_cast<std::size_t>(first_plane) + index / width / height,
      index / width % height, index % width));
}

void check_planes_finite(const Stack& stack, const std::string& name, int first_plane) {
  const auto pixels = std::ptrdiff_t{stack.height} * stack.width;
  for (int plane = 0; plane < stack.planes; ++plane) {
    const auto first = stack.voxels.begin() + plane * pixels;
    if (std::none_of(first, first + pixels, [](float value) { return std::isfinite(value); }))
      throw Error(
          fmt::format("{}: every voxel of plane {} (from 0) is NaN or infinite, as 32-bit floats; remove the plane",
                      name, first_plane + plane));
  }
}

}  // namespace n2s
