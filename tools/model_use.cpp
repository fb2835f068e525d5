#include "tools/model_use.h"

#include <fmt/format.h>

#include "engine/graph/fusion.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"

namespace n2s {
namespace fs = std::filesystem;

nlohmann::json model_configuration(NetworkKind kind, const BatchSettings& settings) {
  nlohmann::json json{{"format", 1},
                      {"network", network_name(kind)},
                      {"method", method_name(settings.method)},
                      {"planes", settings.planes},
                      {"gap", settings.gap},
                      {"normalisation", settings.normalisation}};
  if (settings.noise) json["noise"] = describe(*settings.noise);
  return json;
}

LoadedModel load_model(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? path / "model.safetensors" : path;
  if (!fs::exists(file))
    throw Error(fmt::format("{}: there is no model: give a run's folder or a model file", file.string()));
  LoadedModel model;
  model.configuration = load_configuration(file.string());
  try {
    model.kind = network_kind(model.configuration.at("network").get<std::string>());
    model.planes = model.configuration.at("planes").get<int>();
    model.gap = model.configuration.at("gap").get<int>();
    model.normalisation = model.configuration.at("normalisation").get<Normalisation>();
  } catch (const nlohmann::json::exception&) {
    throw Error(
        fmt::format("{}: the model's configuration is incomplete: it was written by another version", file.string()));
  }
  constexpr int kMostPlanes = 1024;
  if (model.planes < 1 || model.planes > kMostPlanes || model.gap < 0 || model.gap > kMostPlanes)
    throw Error(fmt::format("{}: the model's configuration is impossible: {} planes, gap {}", file.string(),
                            model.planes, model.gap));
  model.parameters = load_parameters(file.string(), make_network(model.kind, model.planes).graph.layers);
  return model;
}

Stack denoise(const LoadedModel& model, const Stack& noisy, Backend& backend, const InferenceOptions& options) {
  const Network network = make_network(model.kind, model.planes);
  const Graph graph = fuse(network.graph);
  ParameterMemory parameters(backend, graph.layers, false);
  parameters.upload(ParameterMemory::Part::values, model.parameters);
  InferenceOptions for_model = options;
  for_model.gap = model.gap;
  for_model.normalisation = model.normalisation;
  return restore_stack(backend, {&graph, network.receptive_radius}, parameters, noisy, for_model);
}

}  // namespace n2s
