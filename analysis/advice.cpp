// Each rule looks at one measurement. The default stays where a measurement does not clearly speak against it.
#include "analysis/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace n2s {
namespace {

// Correlations of the noise. White noise in a sample of 1000 blocks gives below 0.01; what is left of structure, 0.1.
constexpr double kCorrelated = 0.2;
// Below this correlation of neighbouring pixels' noise, pixels may be hidden. Of the noise's variance, Noise2Self keeps
// about the correlation's square for each neighbour, as that part can be predicted.
constexpr double kIndependent = 0.05;
constexpr double kShared = 0.3;  // of the noise of adjacent planes: what structure leaves is below
constexpr double kGone = 0.07;   // between planes at the distance that the gap leaves
constexpr double kDecays = 0.5;  // structure decays slowly from plane to plane, noise of interpolation at once
constexpr int kMostGap = 2;
// Correlation of neighbouring planes, noise aside. Brains at 1 mm have 0.97; at 0.7 a neighbour explains half of the
// variance.
constexpr double kAlike = 0.85;
constexpr double kUnlike = 0.7;
constexpr double kNearlyEqual = 0.95;  // below, structure that planes do not share looks like correlated noise
constexpr double kPattern = 0.1;       // correlation of fine detail in planes far apart
constexpr int kFar = 5;                // planes: closer ones share structure
constexpr double kStripes = 0.5;       // the same of the means of rows and columns
constexpr double kShifted = 1.5;       // pixels, from plane to plane
constexpr double kSaturated = 0.001;   // share of the voxels
constexpr double kNoisyShare = 0.01;   // of the variance that is noise: less is hardly worth removing
constexpr double kGrainy = 0.05;       // noise where the stack is brightest, as a share of the signal there
constexpr double kNoisy = 0.005;       // noise, as a share of the range, that is worth removing
constexpr double kBleached = 0.3;

/// "3, 7 and 12", or the first of many.
std::string list(const std::vector<int>& planes) {
  constexpr std::size_t kNamed = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamed, planes.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : i + 1 == planes.size() ? " and " : ", ", planes[i]);
  if (planes.size() > kNamed) text += fmt::format(" and {} more", planes.size() - kNamed);
  return text;
}

std::string planes_text(const std::vector<int>& planes) {
  return fmt::format("plane{} {}", planes.size() == 1 ? "" : "s", list(planes));
}

class Adviser {
 public:
  Adviser(const Inspection& found, const StackContext& context) : found_(found), context_(context) {
    advice_.planes = context.default_planes;
    advice_.network = context.network;
    advice_.normalisation = context.normalisation;
  }

  Advice advise() {
    if (found_.shape.planes < 3) {
      alone();
      return advice_;
    }
    if (found_.noise.points.empty()) {
      sparse();
      return advice_;
    }
    neighbours();
    noise_between_planes();
    noise_within_planes();
    missing_frequencies();
    pattern();
    blind_spots();
    planes();
    levels();
    return advice_;
  }

 private:
  void reason(std::string text) { advice_.reasons.push_back(std::move(text)); }
  void warning(Trust trust, std::string text) {
    advice_.warnings.push_back(std::move(text));
    advice_.trust = std::max(advice_.trust, trust);
  }

  void alone() {
    warning(
        Trust::no,
        fmt::format(
            "There {} only {} plane{}: Noise2Stack learns from neighbours and needs three at least. Use a method "
            "for single images: Noise2Self or Noise2Void, where the noise is independent from pixel to pixel, or BM3D "
            "(n2s bm3d).",
            found_.shape.planes == 1 ? "is" : "are", found_.shape.planes, found_.shape.planes == 1 ? "" : "s"));
    hide_pixels(1);
  }

  /// With this many input planes.
  void hide_pixels(int planes) {
    advice_.method = "noise2self";
    advice_.planes = planes;
    advice_.network = "blind-spot";
    advice_.normalisation = "mean-std";
  }

  void sparse() {
    warning(
        Trust::with_care,
        "Too few voxels differ from the others to measure noise and similarity in (sparse or tiny data): the defaults "
        "stand, and the result needs a look.");
    planes();
    levels();
  }

  double alike(int distance) const {
    for (const Similarity::AtDistance& at : found_.similarity.distances)
      if (at.planes == distance) return at.without_noise;
    return 0;
  }

  void neighbours() {
    const double one = alike(1);
    const double two = alike(2);
    const double missed = found_.similarity.missed_detail;
    const double noise = std::sqrt(found_.similarity.noise_variance);
    if (one < kAlike && suits_blind_spots()) {
      reason(fmt::format("Neighbouring planes differ (correlation {:.2f}, noise aside).", one));
    } else if (one < kUnlike && missed > noise) {
      warning(Trust::no,
              fmt::format("Neighbouring planes are too unlike (correlation {:.2f}, noise aside): detail that only one "
                          "plane has would be lost, {:.1f} times the noise. Noise2Void or BM3D, which look at one "
                          "plane at a time, are the better choice.",
                          one, noise > 0 ? missed / noise : 0));
    } else if (one < kAlike && missed > noise) {
      warning(Trust::with_care,
              fmt::format("Neighbouring planes differ (correlation {:.2f}, noise aside): fine detail that only "
                          "one plane has may be lost. Compare with Noise2Void or BM3D.",
                          one));
    } else if (one < kAlike) {
      reason(fmt::format("Neighbouring planes differ (correlation {:.2f}, noise aside), but by less than the noise.",
                         one));
    } else {
      reason(fmt::format(
          "Neighbouring planes are alike (correlation {:.2f}, noise aside), so a plane can be predicted from "
          "them.",
          one));
    }
    if (advice_.planes > 2 && one >= kUnlike && two < one / 2) {
      advice_.planes = 2;
      reason(
          fmt::format("Two input planes: those at a distance of two have little in common (correlation {:.2f}).", two));
    }
  }

  /// Whether even the finest detail is the same in neighbouring planes, and no pattern: then there is hardly any noise.
  bool shared_detail() const { return between(1) > 1 - kDecays && between(2) > kDecays * between(1) && !is_pattern(); }

  /// Fine detail that is the same at all distances.
  bool is_pattern() const {
    const NoiseCorrelation& c = found_.correlation;
    return c.far_distance >= kFar && c.far > kPattern && c.between_planes.back() > kPattern;
  }

  /// Why pixels cannot be hidden and predicted from those around them; empty where they can.
  std::string against_hiding() const {
    const NoiseCorrelation& c = found_.correlation;
    const double within = std::max({std::abs(c.along_x[1]), std::abs(c.along_y[1]), std::abs(c.diagonal)});
    if (found_.undersampling.at_random) return "frequencies are missing at random";
    if (between(1) > kShared) return "neighbouring planes share their finest detail";
    if (is_pattern()) return "a pattern repeats in all planes";
    if (c.blocks == 0 || within > kIndependent)
      return "the noise of neighbouring pixels is correlated, or cannot be told from structure";
    return {};
  }

  bool suits_blind_spots() const { return context_.may_hide_pixels && against_hiding().empty(); }

  /// The network may then see the plane itself as well; bench/compare_methods measures what that gains.
  void blind_spots() {
    if (!context_.may_hide_pixels) return;
    advice_.because = against_hiding();
    if (!advice_.because.empty()) return;
    advice_.because = "the noise is independent from pixel to pixel";
    const bool is_alone = alike(1) < kUnlike;
    hide_pixels(is_alone ? 1 : advice_.planes + 1);
    reason(fmt::format(
        "The noise is independent from pixel to pixel (correlation {:.2f} along rows, {:.2f} along columns): pixels "
        "that are hidden can be predicted from their own plane{} (Noise2Self), which shows more than neighbours alone.",
        found_.correlation.along_x[1], found_.correlation.along_y[1], is_alone ? "" : " and its neighbours"));
  }

  double between(int distance) const {
    const std::vector<double>& correlations = found_.correlation.between_planes;
    const auto at = static_cast<std::size_t>(distance) - 1;
    return at < correlations.size() ? correlations[at] : 0;
  }

  /// Noise that neighbours share is learned as signal. It ends at some distance; what does not is structure or a
  /// pattern.
  void noise_between_planes() {
    const double adjacent = between(1);
    if (adjacent < kShared) {
      reason(fmt::format("The noise of neighbouring planes is independent (correlation of the finest detail {:.2f}).",
                         std::max(0.0, adjacent)));
      return;
    }
    int gap = 1;
    while (gap < kMostGap && between(gap + 1) > kGone) ++gap;
    const int depth = found_.shape.planes;
    const bool ends = between(gap + 1) < std::min(kGone, kDecays * adjacent);
    if (!ends || is_pattern()) return;
    if (depth < advice_.planes + 2 * gap + 1) {
      warning(Trust::with_care,
              fmt::format("The noise of neighbouring planes is correlated ({:.2f}) and would stay; the stack is "
                          "too short to skip planes.",
                          adjacent));
      return;
    }
    advice_.gap = gap;
    warning(
        Trust::with_care,
        fmt::format(
            "The noise of neighbouring planes is correlated ({:.2f}), as after interpolation along the stack: {} on "
            "each side {} skipped (gap {}). If there is a stack from before the interpolation, use that.",
            adjacent, gap == 1 ? "one plane" : fmt::format("{} planes", gap), gap == 1 ? "is" : "are", gap));
  }

  void noise_within_planes() {
    const NoiseCorrelation& c = found_.correlation;
    const double x = c.along_x[1];
    const double y = c.along_y[1];
    // What unlike planes do not share, and the finest detail that all share, is structure.
    if (std::max(x, y) < kCorrelated || alike(1) < kNearlyEqual || shared_detail()) return;
    const std::string where = x > 2 * std::abs(y)   ? "along rows"
                              : y > 2 * std::abs(x) ? "along columns"
                                                    : "between neighbouring pixels";
    reason(fmt::format(
        "The noise is correlated {} ({:.2f} at one pixel). Noise2Stack does not mind, as other planes have other "
        "noise; Noise2Void would keep it.",
        where, std::max(x, y)));
  }

  void missing_frequencies() {
    if (!found_.undersampling.at_random) return;
    advice_.network = "mri";
    advice_.normalisation = "robust-range";
    reason(fmt::format(
        "{:.0f} % of the frequencies are missing at random, as in undersampled MRI: the mri network, as in the "
        "paper's experiment.",
        100 * found_.undersampling.missing));
  }

  void pattern() {
    if (context_.along_time) return;  // what stays may be the scene itself
    const NoiseCorrelation& c = found_.correlation;
    if (is_pattern())
      warning(Trust::with_care,
              fmt::format(
                  "A fixed pattern, {:.2g} times as strong as the rest of the noise, repeats in planes that lie {} "
                  "apart: it is learned as signal and stays. Subtract a dark image or divide by a flat field first.",
                  std::sqrt(c.far / std::max(0.01, 1 - c.far)), c.far_distance));
    else if (c.far_distance >= kFar && std::max(c.far_rows, c.far_columns) > kStripes)
      warning(Trust::with_care,
              fmt::format("{} have offsets of their own that repeat in all planes (correlation {:.2f}), and stay: "
                          "subtract a dark image first.",
                          c.far_rows > c.far_columns ? "Rows" : "Columns", std::max(c.far_rows, c.far_columns)));
    if (found_.hot.fixed > 0)
      reason(fmt::format("{} pixel{} hot or dead in every plane; such voxels are replaced before training.",
                         found_.hot.fixed, found_.hot.fixed == 1 ? " is" : "s are"));
  }

  /// Whether there is nothing but these planes before or behind each of them.
  bool at_the_ends(const std::vector<int>& planes) const {
    const int depth = found_.shape.planes;
    int front = 0;
    while (front < static_cast<int>(planes.size()) && planes[static_cast<std::size_t>(front)] == front) ++front;
    const int rest = static_cast<int>(planes.size()) - front;
    return rest == 0 || planes[static_cast<std::size_t>(front)] == depth - rest;
  }

  void planes() {
    if (!found_.empty.empty() && at_the_ends(found_.empty))
      reason(fmt::format("Empty, at the ends: {}.", planes_text(found_.empty)));
    else if (!found_.empty.empty())
      warning(Trust::with_care,
              fmt::format("Empty: {}. Their neighbours are restored with less to go by.", planes_text(found_.empty)));
    if (!found_.repeated.empty())
      warning(Trust::with_care,
              fmt::format("Equal to the plane before: {}. A copy has the same noise, which then counts as "
                          "signal: remove copies.",
                          planes_text(found_.repeated)));
    if (!found_.jumps.empty())
      warning(Trust::with_care,
              fmt::format("The brightness jumps at {}. Where it is the illumination, correct it first.",
                          planes_text(found_.jumps)));
    const double shift = typical_shift(found_.shifts);
    const bool are_many = 3 * found_.shifts.size() >= found_.sampled.size();
    if (shift > kShifted && are_many)
      warning(Trust::with_care,
              fmt::format("Planes lie shifted against each other by {:.1f} pixels (median): align them first.", shift));
    if (std::abs(found_.trend) > kBleached)
      reason(fmt::format(
          "The brightness changes by {:+.0f} % from the first to the last plane; neighbours share it, so it does no "
          "harm.",
          100 * found_.trend));
  }

  /// Whether noise is a good part of the signal even where the stack is brightest.
  bool is_grainy() const {
    if (found_.noise.points.empty()) return true;
    const NoiseLevel::Point& brightest = found_.noise.points.back();
    return std::sqrt(brightest.variance) > kGrainy * (brightest.value - found_.survey.low);
  }

  void levels() {
    if (found_.saturated > kSaturated)
      reason(fmt::format("{:.2g} % of the voxels are saturated; they do not count for the levels and keep their value.",
                         100 * found_.saturated));
    if (found_.survey.not_finite > 0)
      reason(fmt::format("{} voxels are NaN or infinite; they keep their value.", found_.survey.not_finite));
    const double range = double{found_.survey.high} - found_.survey.low;
    const double noise = found_.noise.deviation * std::sqrt(shared_detail() ? 1 - between(1) : 1);
    const bool is_weak = found_.noise.mean_variance < kNoisyShare * found_.similarity.variance && !is_grainy();
    if (noise < kNoisy * range && is_weak && !found_.undersampling.at_random)
      warning(Trust::with_care,
              fmt::format("There is hardly any noise ({:.2g} % of the range): there is little to gain.",
                          100 * noise / range));
  }

  const Inspection& found_;
  const StackContext& context_;
  Advice advice_;
};

}  // namespace

Advice advise(const Inspection& found, const StackContext& context) {
  return Adviser(found, context).advise();
}

std::string describe(Trust trust) {
  return trust == Trust::yes ? "yes" : trust == Trust::with_care ? "with care" : "no";
}

}  // namespace n2s
