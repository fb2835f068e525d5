// Trains a network: draws a batch, runs the differentiated graph, updates the parameters; keeps what is needed to go on
// later as if it had never stopped. Files, progress bars and signals are the caller's.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/runtime/executor.h"

namespace n2s {

/// Batches that come to be on the device, beside or as part of a training step, without the host waiting for it.
class DeviceBatchSource {
 public:
  virtual ~DeviceBatchSource() = default;

  /// Where the batches are made, for the user: "the data set (1.2 GiB) stays on the GPU".
  virtual std::string description() const = 0;

  /// Makes this step's batch the one that the work of enqueue() gives. Before every step; never recorded.
  virtual void prepare(long epoch, long step_in_epoch) = 0;

  /// Writes the batch to input and target, the graph's values in device memory. Part of a step: may be recorded.
  virtual void enqueue(void* input, void* target) = 0;

  /// What the host can make ready for this step, the next one, while the device computes.
  virtual void look_ahead(long epoch, long step_in_epoch) = 0;
};

/// Where batches come from. The same (epoch, step, …) always gives the same batch, in any order of calls.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// Batches until every target plane has been seen once.
  virtual long steps_per_epoch() const = 0;
  virtual Extents extents() const = 0;
  /// input (N, H, W, planes) and target (N, H, W, 1), in host memory.
  virtual void fill(long epoch, long step_in_epoch, FloatTensor input, FloatTensor target) = 0;

  /// The same batches, where the device has them made for itself; null: fill() is what there is.
  virtual DeviceBatchSource* on_device() { return nullptr; }
};

/// Fixed inputs and targets for choosing the best model: `batches` times `extents.batch` images, NHWC, host memory.
struct ValidationSet {
  Extents extents;
  int batches = 0;
  std::vector<float> inputs, targets;
};

struct TrainingSettings {
  AdamSettings adam;           // learning_rate is the schedule's first
  std::uint64_t seed = 0;      // of the initial parameters
  bool step_per_epoch = true;  // the paper's schedule; false: the cosine falls with every step
};

/// Everything that a later session needs; the numbers of a run that never stopped and of one that did are the same.
struct TrainingState {
  long step = 0;         // updates made
  long total_steps = 0;  // 0: not fixed yet
  double best_validation = std::numeric_limits<double>::infinity();
  long best_step = 0;
  LossScaling loss_scaling;
  std::vector<float> parameters, first_moment, second_moment;
};

class Trainer {
 public:
  /// `forward` is the network, fused or not. Throws Error when there is not enough memory.
  Trainer(Backend& backend, const Graph& forward, BatchSource& batches, ValidationSet validation,
          const TrainingSettings& settings);

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
  long steps_per_epoch() const { return batches_->steps_per_epoch(); }
  double learning_rate() const;

  /// One update. Returns the loss; throws Error when it is not finite, before the parameters are touched.
  double step();

  /// Mean squared error on the validation set; remembers whether it is the best so far.
  struct Validation {
    double loss = 0;
    bool best = false;
  };
  Validation validate();
  double best_validation() const { return best_validation_; }
  long best_step() const { return best_step_; }

  std::vector<float> parameters() const { return memory_.download(ParameterMemory::Part::values); }
  ParameterMemory& memory() { return memory_; }
  TrainingState state() const;
  void resume(const TrainingState& state);

 private:
  void next_batch();
  void update(const AdamSettings& adam);
  void update_recorded(const AdamSettings& adam);
  void check_loss(double loss) const;

  Backend* backend_;
  BatchSource* batches_;
  ValidationSet validation_;
  TrainingSettings settings_;
  ParameterMemory memory_;
  Executor training_;
  std::unique_ptr<Executor> validating_;  // none without a validation set
  std::vector<float> input_, target_;     // one batch, host memory
  bool warm_ = false;                     // a step has run: every kernel is loaded, so that recording can begin
  std::unique_ptr<Recording> recorded_;   // a whole step, where the backend records
  long steps_ = 0;
  long total_steps_ = 0;
  double best_validation_ = std::numeric_limits<double>::infinity();
  long best_step_ = 0;
};

}  // namespace n2s
