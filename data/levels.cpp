// Isolated voxels are found before the map is fitted, as they would move it; regions beyond the map's reach after it.
#include "data/levels.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace n2s {
namespace {

constexpr double kReach = 3;  // times the fitted range, below and above it, that a network is given

void replace_isolated(Stack& stack, const OrderStatistics& find, ExtremeValues& replaced) {
  const BulkLevels bulk = bulk_levels({&stack}, find);
  if (bulk.spread > 0) replace_isolated(stack, bulk, replaced);
}

/// What becomes the ends of the unit range: -0.5 and 0.5, or 0 and 1. mean-std has none; ten deviations stand for it.
struct Reach {
  double low = 0, high = 0;
};
Reach reach_of(const Normalisation& n) {
  if (n.kind == "mean-std") return {-10 * kReach, 10 * kReach};
  const double first = n.kind == "percentile" ? 0 : -0.5;
  return {first - kReach, first + 1 + kReach};
}

void limit_to_reach(Stack& stack, const Normalisation& n, ExtremeValues& replaced) {
  const VoxelLimits limits = limits_of(n);
  limit_values(stack, limits.low, limits.high, replaced);
}

}  // namespace

VoxelLimits limits_of(const Normalisation& n) {
  if (!is_robust(n.kind)) return {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  const Reach reach = reach_of(n);
  return {(reach.low - n.offset) / n.scale, (reach.high - n.offset) / n.scale};
}

bool is_robust(const std::string& kind) {
  return kind != "range" && kind != "none";
}

NormalisationOptions robust_options(const std::string& kind) {
  NormalisationOptions options;
  options.kind = kind;
  options.leave_out_background = options.leave_out_saturated = is_robust(kind);
  return options;
}

Normalisation fit_levels(const std::vector<Stack*>& stacks, const std::string& kind,
                         std::vector<ExtremeValues>& replaced, const OrderStatistics& find) {
  replaced.assign(stacks.size(), {});
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    replace_non_finite(*stacks[i], replaced[i]);
    if (is_robust(kind)) replace_isolated(*stacks[i], find, replaced[i]);
  }
  Normalisation fitted = fit_normalisation({stacks.begin(), stacks.end()}, robust_options(kind), find);
  for (std::size_t i = 0; is_robust(kind) && i < stacks.size(); ++i) limit_to_reach(*stacks[i], fitted, replaced[i]);
  return fitted;
}

void replace_before_fit(Stack& planes, const std::string& kind, const BulkLevels& bulk, ExtremeValues& replaced) {
  for (std::size_t i = 0; i < planes.voxels.size(); ++i) {
    float& value = planes.voxels[i];
    if (std::isfinite(value)) continue;
    replaced.kept.push_back({i, value});
    ++replaced.not_finite;
    value = static_cast<float>(bulk.centre);
  }
  if (is_robust(kind) && bulk.spread > 0) replace_isolated(planes, bulk, replaced);
}

ExtremeValues replace_extremes(Stack& planes, const StreamLevels& levels) {
  ExtremeValues replaced;
  replace_before_fit(planes, levels.normalisation.kind, levels.bulk, replaced);
  if (is_robust(levels.normalisation.kind)) limit_to_reach(planes, levels.normalisation, replaced);
  return replaced;
}

ExtremeValues replace_extremes(Stack& stack, const Normalisation& normalisation, const OrderStatistics& find) {
  ExtremeValues replaced;
  replace_non_finite(stack, replaced);
  if (!is_robust(normalisation.kind)) return replaced;
  replace_isolated(stack, find, replaced);
  limit_to_reach(stack, normalisation, replaced);
  return replaced;
}

std::string describe_levels(const Normalisation& n, const ExtremeValues& replaced, std::size_t voxels) {
  const double first = n.kind == "percentile" ? 0 : -0.5;
  const auto level = [&](double normalised) { return (normalised - n.offset) / n.scale; };
  std::string text = n.kind == "mean-std"
                         ? fmt::format("mean-std: mean {:.5g}, deviation {:.5g}", level(0), level(1) - level(0))
                         : fmt::format("{}: {:.5g} to {:.5g}", n.kind, level(first), level(first + 1));
  if (n.kind == "none") text = "none";
  if (n.background) text += fmt::format(", without the background {:g}", *n.background);
  const auto share = [&](std::size_t count) {
    return fmt::format("{} ({:.2g} %)", count, 100.0 * static_cast<double>(count) / static_cast<double>(voxels));
  };
  if (replaced.isolated > 0) text += fmt::format("; hot or dead pixels, replaced: {}", share(replaced.isolated));
  if (replaced.limited > 0)
    text += fmt::format("; saturated or extreme voxels, kept as they are: {}", share(replaced.limited));
  if (replaced.not_finite > 0) text += fmt::format("; NaN or infinite, kept: {}", share(replaced.not_finite));
  return text;
}

}  // namespace n2s
