// Trains a network: Trainer::step() is one step of training. Files, progress bars and signals are the caller's.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/runtime/executor.h"
#include "engine/runtime/ranks.h"
#include "engine/runtime/repeated_work.h"
#include "engine/training/batch_loader.h"
#include "engine/training/schedule.h"
#include "engine/training/spectral_loss.h"
#include "engine/training/validation_set.h"

namespace n2s {

struct TrainingSettings {
  AdamSettings adam;       // learning_rate is the schedule's first
  std::uint64_t seed = 0;  // of the initial parameters
  Schedule schedule = Schedule::cosine_per_epoch;
  bool masked_loss = false;  // targets that are NaN do not count: of methods that hide pixels
  std::shared_ptr<const SpectralLoss> spectral_loss{};  // null: the plain one. Computed on the host, on every device
  std::shared_ptr<Ranks> ranks{};  // that train together, each with a share of every batch; null: one alone
};

/// The model with the lowest validation loss. Another replaces it only where clearly_lower() says so.
struct BestValidation {
  double loss = std::numeric_limits<double>::infinity();  // mean squared error
  long step = 0;
  std::vector<float> block_errors{};  // of append_block_errors(), over the whole validation set

  bool operator==(const BestValidation&) const = default;
};

/// All state needed to resume training bit for bit.
struct TrainingState {
  long step = 0;         // updates made
  long total_steps = 0;  // 0: not fixed yet
  BestValidation best;
  LossScaling loss_scaling;
  std::vector<float> parameters, first_moment, second_moment;
};

class Trainer {
 public:
  /// `forward` is the network, fused or not. `loader` brings the source's batches to the device; null: the host makes
  /// and copies them. The source must live as long as the trainer. Throws Error when there is not enough memory.
  Trainer(Backend& backend, const Graph& forward, BatchSource& source, ValidationSet validation,
          const TrainingSettings& settings, std::unique_ptr<BatchLoader> loader = nullptr);

  /// What device_bytes() will be, before anything is allocated.
  static std::size_t planned_bytes(const Backend& backend, const Graph& forward, const Extents& extents,
                                   const ValidationSet& validation);

  /// Bytes of the two plans (training and validation), of the parameters and of the optimiser.
  std::size_t device_bytes() const;

  /// Total number of updates: fixes the learning rate's schedule. Until it is set the rate stays at its first value.
  void set_total_steps(long steps) { total_steps_ = steps; }
  long total_steps() const { return total_steps_; }
  long steps() const { return steps_; }
  bool finished() const { return total_steps_ > 0 && steps_ >= total_steps_; }
  long steps_per_epoch() const { return source_->steps_per_epoch(); }
  double learning_rate() const;
  const BatchLoader& loader() const { return *loader_; }

  /// One update. Returns the loss; throws Error when it is not finite, and leaves the parameters as they were.
  double step();

  /// Mean squared error on the validation set; remembers the best so far. Throws Error when it is not finite.
  struct Validation {
    double loss = 0;
    bool best = false;
  };
  Validation validate();
  const BestValidation& best() const { return best_; }

  std::vector<float> parameters() const { return memory_.download(ParameterMemory::Part::values); }
  ParameterMemory& memory() { return memory_; }
  TrainingState state() const;
  void resume(const TrainingState& state);

  /// How ranks add up their gradients; empty: there is one rank.
  const std::string& exchange() const { return exchange_; }

 private:
  BatchStep batch_step(long step) const;
  AdamSettings current_adam() const;
  void update();
  double update_in_parts();
  void filter_gradient(std::size_t operation, std::span<const RandomKey> keys, double& counted);
  float counted_in_share() const;
  double factor_of(float weight);
  void exchange_gradients(float weight);

  Backend* backend_;
  BatchSource* source_;
  std::unique_ptr<BatchLoader> loader_;
  ValidationSet validation_;
  TrainingSettings settings_;
  ParameterMemory memory_;
  Executor training_;                     // the differentiated graph: forward and backward
  std::unique_ptr<Executor> validating_;  // none without a validation set
  RepeatedWork update_;
  std::unique_ptr<DeviceSums> device_sums_;  // null: one rank, or gradients go through the host
  std::string exchange_;
  long steps_ = 0;
  long total_steps_ = 0;
  BestValidation best_;
};

}  // namespace n2s
