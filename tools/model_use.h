// Models on disk and what denoising needs to know of them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/inference/inference.h"
#include "engine/training/batches.h"
#include "nets/network.h"

namespace n2s {

/// A model ready to restore stacks.
struct LoadedModel {
  NetworkKind kind = NetworkKind::mri;
  int planes = 0;  // input planes
  int gap = 0;     // planes left out on each side of the target
  Normalisation normalisation;
  nlohmann::json configuration;
  std::vector<float> parameters;
};

/// The configuration that save_model stores.
nlohmann::json model_configuration(NetworkKind kind, const BatchSettings& settings);

/// From a run's folder (its best model) or a model file. Throws Error.
LoadedModel load_model(const std::filesystem::path& path);

/// Restores a stack in the file's units: normalises, denoises and undoes the normalisation.
Stack denoise(const LoadedModel& model, const Stack& noisy, Backend& backend, const InferenceOptions& options);

}  // namespace n2s
