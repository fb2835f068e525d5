// The page of text, and the rows that the HTML page shares with it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/inspect/reports.h"

namespace n2s {
namespace {

std::string percent(double share) {
  return fmt::format("{:.2g} %", 100 * share);
}

/// A correlation, without a "-0.00".
std::string two_digits(double value) {
  return fmt::format("{:.2f}", std::abs(value) < 0.005 ? 0 : value);
}

/// "none", "3, 7", or the first of many.
std::string list(const std::vector<int>& planes) {
  if (planes.empty()) return "none";
  constexpr std::size_t kNamed = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(kNamed, planes.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", planes[i]);
  if (planes.size() > kNamed) text += fmt::format(" and {} more", planes.size() - kNamed);
  return text;
}

std::string levels_text(const Inspection& found) {
  std::string text = fmt::format("{:.5g} to {:.5g}", found.survey.low, found.survey.high);
  text +=
      found.saturated > 0 ? fmt::format("; saturated: {} of the voxels", percent(found.saturated)) : "; none saturated";
  if (found.survey.not_finite > 0) text += fmt::format("; NaN or infinite: {} voxels", found.survey.not_finite);
  return text;
}

std::string hot_text(const Inspection& found) {
  if (found.hot.share == 0) return "none in the sample";
  return fmt::format("{} of the voxels; {} position{} in every plane", percent(found.hot.share), found.hot.fixed,
                     found.hot.fixed == 1 ? "" : "s");
}

std::string noise_text(const Inspection& found) {
  const NoiseLevel& noise = found.noise;
  if (noise.points.empty()) return "could not be measured: too little to measure it in";
  const double range = double{found.survey.high} - found.survey.low;
  std::string text = fmt::format("standard deviation {:.3g} at a value of {:.4g} ({} of the range)", noise.deviation,
                                 noise.value, percent(range > 0 ? noise.deviation / range : 0));
  text += noise.grows_with_signal ? fmt::format("; Poisson-Gaussian: variance = {:.3g} * value {} {:.3g}", noise.gain,
                                                noise.offset < 0 ? '-' : '+', std::abs(noise.offset))
                                  : "; the same at all values, as Gaussian noise";
  return text;
}

std::string within_text(const NoiseCorrelation& c) {
  if (c.blocks == 0) return "could not be measured: no flat places";
  return fmt::format("along rows {}, {}, {}; along columns {}, {}, {} (1, 2 and 3 pixels)", two_digits(c.along_x[1]),
                     two_digits(c.along_x[2]), two_digits(c.along_x[3]), two_digits(c.along_y[1]),
                     two_digits(c.along_y[2]), two_digits(c.along_y[3]));
}

std::string between_text(const NoiseCorrelation& c) {
  if (c.blocks == 0 || c.between_planes.empty()) return "could not be measured";
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, c.between_planes.size()); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", two_digits(c.between_planes[i]));
  return text + " (1, 2, ... planes apart; finest detail)";
}

std::string pattern_text(const NoiseCorrelation& c) {
  if (c.far_distance == 0) return "could not be measured";
  return fmt::format("correlation of fine detail {}, of rows {}, of columns {}, {} planes apart", two_digits(c.far),
                     two_digits(c.far_rows), two_digits(c.far_columns), c.far_distance);
}

std::string similarity_text(const Similarity& similarity) {
  if (similarity.distances.empty()) return "could not be measured";
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, similarity.distances.size()); ++i) {
    const Similarity::AtDistance& at = similarity.distances[i];
    text += fmt::format("{}{} apart: SSIM {:.2f}, correlation {:.2f} ({:.2f} without noise)", i == 0 ? "" : "; ",
                        at.planes, at.ssim, at.correlation, at.without_noise);
  }
  return text;
}

}  // namespace

std::vector<ReportRow> report_rows(const InspectedStack& stack) {
  const Inspection& found = stack.found;
  return {{"levels", levels_text(found)},
          {"hot or dead pixels", hot_text(found)},
          {"planes", fmt::format("{} of {}x{} pixels; empty: {}; equal to the one before: {}", found.shape.planes,
                                 found.shape.height, found.shape.width, list(found.empty), list(found.repeated))},
          {"brightness",
           fmt::format("{:+.0f} % from first to last plane; jumps at: {}", 100 * found.trend, list(found.jumps))},
          {"shift between planes", fmt::format("{:.1f} pixels (median)", typical_shift(found.shifts))},
          {"noise", noise_text(found)},
          {"noise within planes", within_text(found.correlation)},
          {"noise between planes", between_text(found.correlation)},
          {"fixed pattern", pattern_text(found.correlation)},
          {"neighbouring planes", similarity_text(found.similarity)},
          {"missing frequencies",
           found.undersampling.at_random ? percent(found.undersampling.missing) + ", at random" : "no"},
          {"measured in",
           fmt::format("all planes for levels and brightness; {} planes for the rest", found.sampled.size())}};
}

std::string text_report(const InspectedFile& file) {
  std::string text =
      fmt::format("{}: {}, {}; axes: {}\n{}\n", file.path, file.axes, file.type, file.axes_from, file.chosen);
  if (!file.spacing.empty()) text += fmt::format("spacing: {}\n", file.spacing);
  if (file.stacks > file.inspected.size())
    text +=
        fmt::format("inspected: {} of {} stacks, the middle one of each channel\n", file.inspected.size(), file.stacks);
  for (const InspectedStack& stack : file.inspected) {
    text += fmt::format("\n{}\n", stack.name);
    for (const ReportRow& row : report_rows(stack)) text += fmt::format("  {:<22}{}\n", row.label, row.text);
    text += fmt::format("\n  Can self-supervision be trusted here: {}\n", describe(stack.advice.trust));
    for (const std::string& warning : stack.advice.warnings) text += fmt::format("  ! {}\n", warning);
    for (const std::string& reason : stack.advice.reasons) text += fmt::format("  - {}\n", reason);
    text += fmt::format("\n  {}\n", command_of(file, stack));
  }
  return text;
}

}  // namespace n2s
