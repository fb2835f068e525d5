// From options and stacks to everything that a training run needs to know. train, restore and demo are three ways to
// make a TrainingRequest; run_training() carries it out.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/stack_traits.h"
#include "engine/runtime/ranks.h"
#include "engine/training/schedule.h"
#include "engine/training/spectral_loss.h"
#include "engine/training/training_stack.h"
#include "kernels/adam/adam.h"
#include "nets/network.h"
#include "tools/common.h"
#include "tools/training_options.h"

namespace n2s {

struct TrainingRequest {
  const Network* network = nullptr;
  BatchSettings batches;
  TrainingLength length;
  AdamSettings adam;
  Schedule schedule = Schedule::cosine_per_epoch;
  std::shared_ptr<const SpectralLoss> spectral_loss;  // null: the plain mean squared error
  bool fusion = true;
  bool resume = false;
  Keep keep = Keep::last;             // which model is used for what follows
  bool held_out_nothing = false;      // no plane validates
  double target_variance = 0;         // of the normalised targets: the loss of a network that gives their mean
  std::filesystem::path folder;       // of the run: model, state, log, pictures
  std::filesystem::path replaces;     // an earlier run, which is cleared once this one can begin; empty: none
  std::optional<StackTraits> traits;  // of the training data, stored with the model
  std::string levels;                 // of each stack, JSON
  std::string advice;                 // that was taken, JSON; empty: none
  std::shared_ptr<Ranks> ranks{};     // that train together, of which rank 0 writes; null: one process
};

/// The network of this name; where it is empty, the method's, or the default one for the kind of file. Throws Error for
/// one that would show the method what it hides.
const Network& choose_network(const std::string& name, const std::string& method, bool medical);

/// Decides what the options leave open, and makes the stacks ready: normalises them (--levels), holds planes out, and
/// corrupts them where the noise is fixed; what has to be stored for that goes to `memory`. The stacks are either all
/// in memory or all stored. Throws Error for options that do not go together.
TrainingRequest prepare_training(const TrainingOptions& options, const Network& network, const CommonOptions& common,
                                 std::vector<TrainingStack>& stacks, VoxelMemory& memory, const Device& device,
                                 ThreadPool& pool);

/// Normalised planes as the network gets them: with the noise that the settings simulate, if any.
Stack with_simulated_noise(const BatchSettings& batches, Stack normalised, ThreadPool& pool);

}  // namespace n2s
