// Loads models and denoises with them.
#include "tools/model_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/formats/zarr_array.h"
#include "engine/graph/fusion.h"
#include "engine/graph/receptive_field.h"
#include "engine/training/checkpoint.h"
#include "kernels/base/error.h"
#include "tools/blind_spot_options.h"

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
  if (settings.blind_spots)
    json["blind_spots"] = {{"mask", mask_text(*settings.blind_spots)},
                           {"replace", replacement_text(*settings.blind_spots)},
                           {"window", settings.blind_spots->window},
                           {"struct", line_text(*settings.blind_spots)}};
  if (settings.noise) json["noise"] = describe(*settings.noise);
  if (traits) json["traits"] = *traits;
  return json;
}

fs::path model_file(const fs::path& path) {
  fs::path file = fs::is_directory(path) ? path / "model.safetensors" : path;
  if (is_zarr_folder(path))
    throw Error(fmt::format("{}: a Zarr image, not a model; the model comes first: a run's folder or a model file",
                            path.string()));
  if (!fs::exists(file) && fs::exists(path / "channel0"))
    throw Error(fmt::format("{}: has a network for each channel; name one of them, such as {}", path.string(),
                            (path / "channel0").string()));
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
    model.method = configuration.value("method", BatchSettings{}.method);
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
  while (fs::exists(path / fmt::format("channel{}/model.safetensors", models.size()))) {
    models.push_back(load_model(path / fmt::format("channel{}", models.size())));
    models.back().of_one_channel = true;
  }
  if (models.empty()) models.push_back(load_model(path));
  return models;
}

const LoadedModel& model_for(const std::vector<LoadedModel>& models, const FileStacks& file, std::size_t stack) {
  if (!models.front().of_one_channel) return models.front();
  const auto axis = find_axis(file.image.axes, 'C');
  const std::size_t channels = axis ? file.image.axes[*axis].length : 1;
  if (channels < models.size())
    throw Error(
        fmt::format("{}: {} channel{}, but the run has a network for each of {}; name the one that it is for, "
                    "such as RUN/channel1",
                    file.path, channels, channels == 1 ? "" : "s", models.size()));
  const std::size_t channel = channel_of(file.image, file.selected.stacks[stack]);
  if (channel >= models.size())
    throw Error(
        fmt::format("{}: no model for channel {}: the run has {}; choose others with --channel, or "
                    "finish the run with --resume",
                    file.path, channel, models.size()));
  return models[channel];
}

Denoiser::Denoiser(const LoadedModel& model, InferenceDevice& device)
    : model_(&model),
      device_(&device),
      graph_(fuse(model.network->build(model.planes))),
      parameters_(device.backend(), graph_.layers, false) {
  parameters_.upload(ParameterMemory::Part::values, model.parameters);
}

Stack Denoiser::restore(const Stack& noisy, const Normalisation& normalisation, const InferenceOptions& options) {
  InferenceOptions for_model = options;
  for_model.gap = model_->gap;
  for_model.normalisation = normalisation;
  return restore_stack(*device_, {&graph_, receptive_radius(graph_)}, parameters_, noisy, for_model);
}

void check_plausible(const VoxelRange& noisy, const Normalisation& normalisation, std::span<const float> restored) {
  constexpr double kRanges = 10;
  const double margin = kRanges * std::max(noisy.high - noisy.low, 1 / std::abs(normalisation.scale));
  const auto outside = [&](float v) { return !(v >= noisy.low - margin && v <= noisy.high + margin); };
  const auto found = std::find_if(restored.begin(), restored.end(), outside);
  if (found != restored.end())
    throw Error(
        fmt::format("the network's output is not plausible: it has the value {:.3g} where the stack has {:.3g} to "
                    "{:.3g}; the training has diverged (try a smaller --learning-rate), or the model is of other data",
                    *found, noisy.low, noisy.high));
}

Stack denoise(const LoadedModel& model, const SeenStack& noisy, const Device& device, const InferenceOptions& options) {
  Stack restored = Denoiser(model, *device.inference).restore(noisy.stack, noisy.normalisation, options);
  const auto [low, high] = std::minmax_element(noisy.stack.voxels.begin(), noisy.stack.voxels.end());
  const auto pixels = static_cast<std::size_t>(restored.height) * static_cast<std::size_t>(restored.width);
  const PlaneRange made = options.targets.count > 0 ? options.targets : PlaneRange{0, restored.planes};
  check_plausible(
      {*low, *high}, noisy.normalisation,
      std::span(restored.voxels)
          .subspan(static_cast<std::size_t>(made.first) * pixels, static_cast<std::size_t>(made.count) * pixels));
  put_back(noisy.replaced, restored);
  return restored;
}

}  // namespace n2s
