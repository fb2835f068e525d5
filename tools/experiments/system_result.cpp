// See system_result.h.
#include "tools/experiments/system_result.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "data/atomic_file.h"
#include "data/json_text.h"

namespace n2s {
namespace {

constexpr int kFormat = 1;

/// JSON has no infinity and no NaN: a PSNR of identical images is stored as null.
nlohmann::json numbers(const std::vector<PlaneMetrics>& planes, double PlaneMetrics::*figure) {
  nlohmann::json json = nlohmann::json::array();
  for (const PlaneMetrics& plane : planes)
    json.push_back(std::isfinite(plane.*figure) ? nlohmann::json(plane.*figure) : nlohmann::json());
  return json;
}

nlohmann::json planes_json(const std::vector<PlaneMetrics>& planes) {
  return {{"psnr", numbers(planes, &PlaneMetrics::psnr)},
          {"ssim", numbers(planes, &PlaneMetrics::ssim)},
          {"nrmse", numbers(planes, &PlaneMetrics::nrmse)}};
}

std::vector<PlaneMetrics> planes_of(const nlohmann::json& json) {
  const auto number = [&](const char* figure, std::size_t i, double other) {
    const nlohmann::json& value = json.at(figure).at(i);
    return value.is_null() ? other : value.get<double>();
  };
  std::vector<PlaneMetrics> planes;
  for (std::size_t i = 0; i < json.at("psnr").size(); ++i)
    planes.push_back({number("psnr", i, std::numeric_limits<double>::infinity()),
                      number("ssim", i, std::numeric_limits<double>::quiet_NaN()),
                      number("nrmse", i, std::numeric_limits<double>::quiet_NaN())});
  return planes;
}

nlohmann::json objects_json(const std::vector<SystemResult::Objects>& planes) {
  nlohmann::json json = nlohmann::json::array();
  for (const SystemResult::Objects& plane : planes) json.push_back({{"dice", plane.dice}, {"count", plane.count}});
  return json;
}

std::vector<SystemResult::Objects> objects_of(const nlohmann::json& json) {
  std::vector<SystemResult::Objects> planes;
  for (const nlohmann::json& plane : json)
    planes.push_back({plane.at("dice").get<double>(), plane.at("count").get<int>()});
  return planes;
}

SystemResult result_of(const nlohmann::json& json) {
  SystemResult result;
  result.system = json.at("system").get<std::string>();
  result.seed = json.at("seed").get<std::uint64_t>();
  result.steps = json.at("steps").get<long>();
  result.train_seconds = json.at("train_seconds").get<double>();
  result.restore_seconds = json.at("restore_seconds").get<double>();
  result.how = json.at("how").get<std::string>();
  result.error = json.at("error").get<std::string>();
  for (const nlohmann::json& stack : json.at("stacks"))
    result.stacks.push_back({stack.at("name").get<std::string>(), planes_of(stack.at("planes")),
                             planes_of(stack.at("post")), objects_of(stack.value("objects", nlohmann::json::array()))});
  return result;
}

}  // namespace

void save_result(const std::filesystem::path& file, const SystemResult& result) {
  nlohmann::json stacks = nlohmann::json::array();
  for (const SystemResult::OfStack& stack : result.stacks)
    stacks.push_back({{"name", stack.name},
                      {"planes", planes_json(stack.planes)},
                      {"post", planes_json(stack.post)},
                      {"objects", objects_json(stack.objects)}});
  const std::string text = json_text(nlohmann::json{{"format", kFormat},
                                                    {"system", result.system},
                                                    {"seed", result.seed},
                                                    {"steps", result.steps},
                                                    {"train_seconds", result.train_seconds},
                                                    {"restore_seconds", result.restore_seconds},
                                                    {"how", result.how},
                                                    {"error", result.error},
                                                    {"stacks", stacks}},
                                     1);
  write_file_atomically(file, std::as_bytes(std::span(text)));
}

std::optional<SystemResult> load_result(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  try {
    const nlohmann::json json = parse_json(text);
    if (json.value("format", 0) != kFormat) return std::nullopt;
    return result_of(json);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace n2s
