// The same measurements for programs.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/inspect/reports.h"

namespace n2s {
namespace {

nlohmann::json noise_json(const NoiseLevel& noise) {
  nlohmann::json points = nlohmann::json::array();
  for (const NoiseLevel::Point& point : noise.points)
    points.push_back({{"value", point.value}, {"variance", point.variance}});
  return {{"deviation", noise.deviation},
          {"at_value", noise.value},
          {"gain", noise.gain},
          {"offset", noise.offset},
          {"kind", noise.grows_with_signal ? "poisson-gaussian" : "gaussian"},
          {"points", points}};
}

nlohmann::json similarity_json(const Similarity& similarity) {
  nlohmann::json distances = nlohmann::json::array();
  for (const Similarity::AtDistance& at : similarity.distances)
    distances.push_back({{"planes", at.planes},
                         {"ssim", at.ssim},
                         {"correlation", at.correlation},
                         {"correlation_without_noise", at.without_noise}});
  return {{"distances", distances}, {"missed_detail", similarity.missed_detail}};
}

nlohmann::json correlation_json(const NoiseCorrelation& c) {
  return {{"along_rows", c.along_x},
          {"along_columns", c.along_y},
          {"between_planes", c.between_planes},
          {"far", c.far},
          {"far_rows", c.far_rows},
          {"far_columns", c.far_columns},
          {"far_distance", c.far_distance},
          {"blocks", c.blocks}};
}

}  // namespace

nlohmann::json advice_json(const Advice& advice) {
  return {{"trust", describe(advice.trust)},
          {"method", advice.method},
          {"because", advice.because},
          {"planes", advice.planes},
          {"gap", advice.gap},
          {"network", advice.network},
          {"normalisation", advice.normalisation},
          {"reasons", advice.reasons},
          {"warnings", advice.warnings}};
}

nlohmann::json json_report(const InspectedFile& file) {
  nlohmann::json json{{"file", file.path},           {"type", file.type},     {"axes", file.axes},
                      {"axes_from", file.axes_from}, {"stacks", file.stacks}, {"inspected", nlohmann::json::array()}};
  if (!file.spacing.empty()) json["spacing"] = file.spacing;
  for (const InspectedStack& stack : file.inspected) {
    const Inspection& found = stack.found;
    json["inspected"].push_back(
        {{"name", stack.name},
         {"levels",
          {{"low", found.survey.low},
           {"high", found.survey.high},
           {"saturated", found.saturated},
           {"not_finite", found.survey.not_finite},
           {"hot_pixels", found.hot.share},
           {"hot_in_every_plane", found.hot.fixed}}},
         {"planes",
          {{"count", found.shape.planes},
           {"height", found.shape.height},
           {"width", found.shape.width},
           {"empty", found.empty},
           {"repeated", found.repeated},
           {"jumps", found.jumps},
           {"trend", found.trend},
           {"sampled", found.sampled}}},
         {"noise", noise_json(found.noise)},
         {"correlation", correlation_json(found.correlation)},
         {"similarity", similarity_json(found.similarity)},
         {"shift", typical_shift(found.shifts)},
         {"undersampling", {{"missing", found.undersampling.missing}, {"at_random", found.undersampling.at_random}}},
         {"advice", advice_json(stack.advice)},
         {"command", command_of(file, stack)}});
  }
  return json;
}

}  // namespace n2s
