// Models and states as named tensors of safetensors files; the configuration is JSON in their header.
#include "engine/training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "data/json_text.h"
#include "engine/graph/parameters.h"
#include "engine/training/safetensors.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr const char* kConfiguration = "noise2stack";
constexpr const char* kState = "noise2stack_state";
const std::string kFirstMoment = "adam.first_moment.";
const std::string kSecondMoment = "adam.second_moment.";
const std::string kBestErrors = "validation.best_block_errors";

/// Calls use(name, shape, range) for each parameter tensor.
template <typename Use>
void for_tensors(const std::vector<Layer>& layers, Use&& use) {
  const ParameterLayout layout = parameter_layout(layers);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Layer& layer = layers[l];
    use(layer.name + ".weight", std::vector<std::int64_t>{layer.out_channels, layer.in_channels, 3, 3},
        layout.layers[l].weight);
    use(layer.name + ".bias", std::vector<std::int64_t>{layer.out_channels}, layout.layers[l].bias);
  }
}

void append(TensorFile& file, const std::vector<Layer>& layers, const std::string& prefix,
            const std::vector<float>& values) {
  for_tensors(layers, [&](const std::string& name, const std::vector<std::int64_t>& shape,
                          const ParameterRange& range) {
    file.tensors.push_back(float_tensor(prefix + name, shape, std::span(values).subspan(range.offset, range.count)));
  });
}

std::vector<float> collect(const TensorFile& file, const std::vector<Layer>& layers, const std::string& prefix) {
  std::vector<float> values(parameter_layout(layers).total);
  for_tensors(
      layers, [&](const std::string& name, const std::vector<std::int64_t>& shape, const ParameterRange& range) {
        const NamedTensor& tensor = file.at(prefix + name);
        if (tensor.shape != shape)
          throw Error(fmt::format("{}: tensor '{}' has another shape than this network: it belongs to another one",
                                  file.path, prefix + name));
        const std::vector<float> numbers = tensor.as_float();
        if (!std::all_of(numbers.begin(), numbers.end(), [](float v) { return std::isfinite(v); }))
          throw Error(fmt::format("{}: tensor '{}' holds numbers that are not finite: the file is damaged", file.path,
                                  prefix + name));
        std::copy(numbers.begin(), numbers.end(), values.begin() + static_cast<std::ptrdiff_t>(range.offset));
      });
  return values;
}

nlohmann::json parse(const TensorFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    throw Error(fmt::format("{}: not written by this program: its metadata has no '{}'", file.path, key));
  try {
    return parse_json(found->second);
  } catch (const nlohmann::json::exception&) {
    throw Error(fmt::format("{}: the metadata '{}' cannot be understood", file.path, key));
  }
}

}  // namespace

void save_model(const std::string& path, const std::vector<Layer>& layers, const Model& model) {
  TensorFile file;
  file.metadata[kConfiguration] = json_text(model.configuration);
  append(file, layers, "", model.parameters);
  write_safetensors(path, file);
}

nlohmann::json load_configuration(const std::string& path) {
  return parse(read_safetensors(path), kConfiguration);
}

std::vector<float> load_parameters(const std::string& path, const std::vector<Layer>& layers) {
  const TensorFile file = read_safetensors(path);
  for (const NamedTensor& tensor : file.tensors) {
    bool known = tensor.name.starts_with("adam.") || tensor.name == kBestErrors;
    for_tensors(layers,
                [&](const std::string& name, const auto&, const auto&) { known = known || name == tensor.name; });
    if (!known)
      throw Error(
          fmt::format("{}: tensor '{}' is not part of this network: it belongs to another one", path, tensor.name));
  }
  return collect(file, layers, "");
}

void save_state(const std::string& path, const std::vector<Layer>& layers, const nlohmann::json& configuration,
                const TrainingState& state) {
  TensorFile file;
  file.metadata[kConfiguration] = json_text(configuration);
  // The bits of the best loss, since a decimal fraction may round and infinity is no JSON number.
  file.metadata[kState] = json_text(nlohmann::json{
      {"step", state.step},
      {"total_steps", state.total_steps},
      {"best_validation_bits", std::bit_cast<std::uint64_t>(state.best.loss)},
      {"best_step", state.best.step},
      {"loss_scale", state.loss_scaling.scale},
      {"loss_scale_steps", state.loss_scaling.good_steps},
  });
  append(file, layers, "", state.parameters);
  append(file, layers, kFirstMoment, state.first_moment);
  append(file, layers, kSecondMoment, state.second_moment);
  const std::vector<float>& errors = state.best.block_errors;
  if (!errors.empty())
    file.tensors.push_back(float_tensor(kBestErrors, {static_cast<std::int64_t>(errors.size())}, errors));
  write_safetensors(path, file);
}

TrainingState load_state(const std::string& path, const std::vector<Layer>& layers) {
  const TensorFile file = read_safetensors(path);
  const nlohmann::json counters = parse(file, kState);
  TrainingState state;
  try {
    state.step = counters.at("step").get<long>();
    state.total_steps = counters.at("total_steps").get<long>();
    state.best.loss = std::bit_cast<double>(counters.at("best_validation_bits").get<std::uint64_t>());
    state.best.step = counters.at("best_step").get<long>();
    state.loss_scaling = {counters.value("loss_scale", 1.0F), counters.value("loss_scale_steps", 0)};
  } catch (const nlohmann::json::exception&) {
    throw Error(fmt::format("{}: the training state's counters cannot be understood", path));
  }
  if (state.step < 0 || state.total_steps < 0 || std::isnan(state.best.loss))
    throw Error(fmt::format("{}: the training state's counters are impossible", path));
  state.parameters = collect(file, layers, "");
  state.first_moment = collect(file, layers, kFirstMoment);
  state.second_moment = collect(file, layers, kSecondMoment);
  for (const NamedTensor& tensor : file.tensors)
    if (tensor.name == kBestErrors) state.best.block_errors = tensor.as_float();
  return state;
}

}  // namespace n2s
