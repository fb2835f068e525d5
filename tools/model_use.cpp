// Loads models and denoises with them.
#include "tools/model_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/graph/fusion.h"
#include "engine/graph/receptive_field.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"

namespace n2s {
namespace fs = std::filesystem;

nlohmann::json model_configuration(const Network& network, const BatchSettings& settings,
                                   const std::optional<StackTraits>& traits) {
  nlohmann::json json{{"format", 1},
                      {"network", network.name},
                      {"method", settings.method},
                      {"planes", settings.planes},
                      {"gap", settings.gap},
                      {"normalisation", settings.normalisation}};
  if (settings.noise) json["noise"] = describe(*settings.noise);
  if (traits) json["traits"] = *traits;
  return json;
}

fs::path model_file(const fs::path& path) {
  fs::path file = fs::is_directory(path) ? path / "model.safetensors" : path;
  if (fs::exists(path / ".zgroup") || fs::exists(path / ".zarray") || fs::exists(path / "zarr.json"))
    throw Error(fmt::format("{}: a Zarr image, not a model; the model comes first: a run's folder or a model file",
                            path.string()));
  if (!fs::exists(file))
    throw Error(fmt::format("{}: no model here; give a run's folder or a model file", file.string()));
  return file;
}

LoadedModel load_model(const fs::path& path) {
  const std::string file = model_file(path).string();
  const nlohmann::json configuration = load_configuration(file);
  LoadedModel model;
  try {
    model.network = &find_network(configuration.at("network").get<std::string>());
    model.planes = configuration.at("planes").get<int>();
    model.gap = configuration.at("gap").get<int>();
    model.normalisation = configuration.at("normalisation").get<Normalisation>();
    if (configuration.contains("traits")) model.traits = configuration["traits"].get<StackTraits>();
  } catch (const nlohmann::json::exception&) {
    throw Error(fmt::format("{}: the model's configuration is incomplete; another version has written it", file));
  }
  constexpr int kMostPlanes = 1024;
  if (model.planes < 1 || model.planes > kMostPlanes || model.gap < 0 || model.gap > kMostPlanes)
    throw Error(fmt::format("{}: damaged: the model's configuration has {} planes and a gap of {}", file, model.planes,
                            model.gap));
  model.parameters = load_parameters(file, model.network->build(model.planes).layers);
  return model;
}

std::vector<LoadedModel> load_models(const fs::path& path) {
  std::vector<LoadedModel> models;
  while (fs::exists(path / fmt::format("channel{}/model.safetensors", models.size())))
    models.push_back(load_model(path / fmt::format("channel{}", models.size())));
  if (models.empty()) models.push_back(load_model(path));
  return models;
}

namespace {

/// Throws Error where the output lies further outside the input's range than any restoration would.
void check_plausible(const Stack& noisy, const Normalisation& normalisation, const Stack& restored) {
  constexpr double kRanges = 10;
  const auto [low, high] = std::minmax_element(noisy.voxels.begin(), noisy.voxels.end());
  const double margin = kRanges * std::max(double{*high} - double{*low}, 1 / std::abs(normalisation.scale));
  const auto outside = [&](float v) { return !(v >= *low - margin && v <= *high + margin); };
  const auto found = std::find_if(restored.voxels.begin(), restored.voxels.end(), outside);
  if (found != restored.voxels.end())
    throw Error(
        fmt::format("the network's output is not plausible: it has the value {:.3g} where the stack has {:.3g} to "
                    "{:.3g}; the training has diverged (try a smaller --learning-rate), or the model is of other data",
                    *found, *low, *high));
}

}  // namespace

Stack denoise(const LoadedModel& model, const SeenStack& noisy, const Device& device, const InferenceOptions& options) {
  const Graph graph = fuse(model.network->build(model.planes));
  ParameterMemory parameters(*device.backend, graph.layers, false);
  parameters.upload(ParameterMemory::Part::values, model.parameters);
  InferenceOptions for_model = options;
  for_model.gap = model.gap;
  for_model.normalisation = noisy.normalisation;
  Stack restored =
      restore_stack(*device.inference, {&graph, receptive_radius(graph)}, parameters, noisy.stack, for_model);
  check_plausible(noisy.stack, noisy.normalisation, restored);
  put_back(noisy.replaced, restored);
  return restored;
}

}  // namespace n2s
