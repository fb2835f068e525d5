// A training run as the user sees it: progress, validation, and files that survive an interruption.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/common.h"
#include "tools/training_example.h"
#include "tools/training_request.h"

namespace n2s {

/// The figures of a finished run.
struct TrainingResult {
  struct Validation {
    double best = 0;  // mean squared error
    long step = 0;    // of the best model
  };
  /// The model that is used for what follows.
  struct Kept {
    std::string rule;  // "last" or "best"
    long step = 0;
    std::string why;
  };
  long steps = 0;
  double epochs = 0, seconds = 0;
  double loss = 0;  // mean of the last record
  long peak_memory_bytes = 0;
  std::size_t planned_memory_bytes = 0;
  std::optional<Validation> validation;  // none where no plane was held out
  Kept kept;
  std::string configuration;                 // of the model, JSON
  std::string settings;                      // of the training: batches, learning rate, seed, device; JSON
  TrainingExample shown;                     // of the pictures in the folder
  std::string advice;                        // JSON; empty: none was taken
  std::string levels;                        // of the stacks, JSON
  std::map<std::string, std::string> files;  // what is in it -> path
};
/// For --json.
nlohmann::json result_json(const TrainingResult& result);

/// Trains, writing into the request's folder: model.safetensors (the one kept), last.safetensors,
/// state.safetensors (to resume), log.jsonl, loss_curve.png, run.json (result_json()), and some planes before and after
/// (training_example.h). Ctrl-C saves the state and throws Error, whose message
/// tells the user to type `resume_command`. A training that diverges throws Error too; the files are then those of the
/// last validation at which it had not.
TrainingResult run_training(const std::vector<TrainingStack>& stacks, const TrainingRequest& request,
                            const Device& device, ThreadPool& pool, const CommonOptions& common,
                            const std::string& resume_command);

}  // namespace n2s
