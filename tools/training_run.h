// A training run as the user sees it: what is trained on what, for how long, with files that survive an interruption.
// train, restore and demo are three ways to fill in a TrainingRequest.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/training/batches.h"
#include "nets/network.h"
#include "tools/common.h"

namespace n2s {

/// How long to train: exactly one is set.
struct TrainingLength {
  long epochs = 0;
  long steps = 0;
  double minutes = 0;
};

struct TrainingRequest {
  NetworkKind network = NetworkKind::mri;
  BatchSettings batches;
  TrainingLength length;
  double learning_rate = 1e-3;
  bool fusion = true;
  bool resume = false;
  bool held_out_nothing = false;  // no plane validates: the last model counts as the best
  int validation_side = 128;      // pixels, from the middle of each held-out plane
  std::filesystem::path folder;   // of the run: model, state, log, pictures
};

/// The numbers of a finished run; also what --json prints.
struct TrainingResult {
  nlohmann::json record;
  std::vector<float> parameters;  // of the best model
};

/// Throws Error when the folder holds a run that nobody asked to go on with or to replace, or none where one is to be
/// resumed. Call it before long work.
void check_run_folder(const std::filesystem::path& folder, bool resume, bool replace);

/// Trains, writing into the request's folder: model.safetensors (best), last.safetensors, state.safetensors (to
/// resume), config.json, log.jsonl, loss_curve.png. Ctrl-C saves the state and throws Interrupted. `resume_command` is
/// what the user is told to type then.
TrainingResult run_training(const std::vector<TrainingStack>& stacks, const TrainingRequest& request, Backend& backend,
                            ThreadPool& pool, const CommonOptions& common, const std::string& resume_command);

}  // namespace n2s
