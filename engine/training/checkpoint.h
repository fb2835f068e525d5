// Models and resumable training states as safetensors files. A model holds one tensor for each parameter, named and
// laid out as in PyTorch, and its configuration as JSON in the metadata; a state adds Adam's moments and the counters.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/training/trainer.h"

namespace n2s {

/// A model's configuration: what kind of network, on which planes, with which normalisation. Written by the caller.
struct Model {
  nlohmann::json configuration;
  std::vector<float> parameters;  // in the order of parameter_layout
};

void save_model(const std::string& path, const std::vector<Layer>& layers, const Model& model);

/// The configuration alone: it tells which network's layers load_parameters needs. Throws Error when the file is not
/// one of ours.
nlohmann::json load_configuration(const std::string& path);

/// Throws Error when a tensor is missing, of another shape, superfluous or not finite.
std::vector<float> load_parameters(const std::string& path, const std::vector<Layer>& layers);

void save_state(const std::string& path, const std::vector<Layer>& layers, const nlohmann::json& configuration,
                const TrainingState& state);
TrainingState load_state(const std::string& path, const std::vector<Layer>& layers);

}  // namespace n2s
