// Trained models: their files, and denoising with them.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "data/stack_traits.h"
#include "engine/devices/device.h"
#include "engine/inference/inference.h"
#include "engine/training/training_stack.h"
#include "nets/network.h"
#include "tools/loaded_file.h"
#include "tools/stack_levels.h"

namespace n2s {

/// A model ready to restore stacks.
struct LoadedModel {
  const Network* network = nullptr;
  std::string method;                 // that trained it
  int planes = 0;                     // input planes
  int gap = 0;                        // planes skipped on each side of the target
  Normalisation normalisation;        // its kind; the map itself is for --levels model
  std::optional<StackTraits> traits;  // of the training data; none in models of earlier versions
  std::vector<float> parameters;
  bool of_one_channel = false;  // of a run with a network for each channel
};

/// The configuration that is stored with a model: what denoising needs to know to use it.
nlohmann::json model_configuration(const Network& network, const BatchSettings& settings,
                                   const std::optional<StackTraits>& traits);

/// The file of a model: `path` itself, or the best model in a run's folder. Throws Error where there is none.
std::filesystem::path model_file(const std::filesystem::path& path);

/// From a run's folder (its best model) or a model file. Throws Error.
LoadedModel load_model(const std::filesystem::path& path);

/// The models of a run: one for each channel where the run has several networks, else one for all channels.
std::vector<LoadedModel> load_models(const std::filesystem::path& path);

/// The model for a stack: that of its channel, or the only one. Throws Error.
const LoadedModel& model_for(const std::vector<LoadedModel>& models, const FileStacks& file, std::size_t stack);

/// A model's network on a device, for many stacks.
class Denoiser {
 public:
  /// Both must live as long as the object.
  Denoiser(const LoadedModel& model, InferenceDevice& device);
  /// Of a stack whose extreme values are replaced; in its units.
  Stack restore(const Stack& noisy, const Normalisation& normalisation, const InferenceOptions& options);

 private:
  const LoadedModel* model_;
  InferenceDevice* device_;
  Graph graph_;
  ParameterMemory parameters_;
};

/// Throws Error where restored voxels lie further outside the input's range than any restoration would.
struct VoxelRange {
  double low = 0, high = 0;
};
void check_plausible(const VoxelRange& noisy, const Normalisation& normalisation, std::span<const float> restored);

/// Restores a stack in the file's units: normalises, denoises and undoes the normalisation; voxels that were replaced
/// because no network can restore them have their values back.
Stack denoise(const LoadedModel& model, const SeenStack& noisy, const Device& device, const InferenceOptions& options);

}  // namespace n2s
