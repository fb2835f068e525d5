#include "engine/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/graph/autograd.h"
#include "engine/training/schedule.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

// Adam's first updates move every weight by the whole learning rate, and the loss leaps up before it falls. A paper's
// run of 30,000 steps forgets that; one of a few hundred does not have the time.
constexpr double kWarmUpSteps = 30;

std::span<const float> batch_of(const std::vector<float>& values, int batch, int batches) {
  const std::size_t count = values.size() / static_cast<std::size_t>(batches);
  return std::span(values).subspan(static_cast<std::size_t>(batch) * count, count);
}

double squared_error(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
  return sum;
}

}  // namespace

Trainer::Trainer(Backend& backend, const Graph& forward, BatchSource& batches, ValidationSet validation,
                 const TrainingSettings& settings)
    : backend_(&backend),
      batches_(&batches),
      validation_(std::move(validation)),
      settings_(settings),
      memory_(backend, forward.layers, true),
      training_(backend, differentiate(forward), batches.extents(), memory_),
      input_(static_cast<std::size_t>(training_.shape(training_.graph().input).elements())),
      target_(static_cast<std::size_t>(training_.shape(training_.graph().target).elements())) {
  if (validation_.batches > 0) validating_ = std::make_unique<Executor>(backend, forward, validation_.extents, memory_);
  memory_.upload(ParameterMemory::Part::values, initial_parameters(forward.layers, settings.seed));
}

std::size_t Trainer::planned_bytes(const Backend& backend, const Graph& forward, const Extents& extents,
                                   const ValidationSet& validation) {
  std::size_t bytes = plan_for(backend, differentiate(forward), extents).arena_bytes;
  if (validation.batches > 0) bytes += plan_for(backend, forward, validation.extents).arena_bytes;
  return bytes + 4 * parameter_layout(forward.layers).total * sizeof(float);
}

std::size_t Trainer::device_bytes() const {
  const std::size_t validating = validating_ ? validating_->plan().arena_bytes : 0;
  return training_.plan().arena_bytes + validating + 4 * memory_.layout().total * sizeof(float);
}

double Trainer::learning_rate() const {
  double first = settings_.adam.learning_rate;
  if (!settings_.step_per_epoch) first *= std::min(1.0, static_cast<double>(steps_ + 1) / kWarmUpSteps);
  if (total_steps_ == 0) return first;
  if (!settings_.step_per_epoch) return cosine_learning_rate(first, steps_, total_steps_);
  const long epoch_steps = steps_per_epoch();
  const long epochs = (total_steps_ + epoch_steps - 1) / epoch_steps;
  return cosine_learning_rate(first, steps_ / epoch_steps, epochs);
}

double Trainer::step() {
  next_batch();
  AdamSettings adam = settings_.adam;
  adam.learning_rate = learning_rate();
  if (backend_->records())
    update_recorded(adam);
  else
    update(adam);
  ++steps_;
  return training_.loss();
}

void Trainer::next_batch() {
  const long epoch = steps_ / steps_per_epoch();
  const long step = steps_ % steps_per_epoch();
  if (DeviceBatchSource* on_device = batches_->on_device()) return on_device->prepare(epoch, step);
  const Graph& graph = training_.graph();
  batches_->fill(epoch, step, {input_.data(), training_.shape(graph.input)},
                 {target_.data(), training_.shape(graph.target)});
  training_.set(graph.input, input_);
  training_.set(graph.target, target_);
}

void Trainer::check_loss(double loss) const {
  if (!std::isfinite(loss))
    throw Error(
        fmt::format("training diverged: the loss at step {} is {}; the last checkpoint is kept, try a smaller "
                    "--learning-rate or check the data for extreme values",
                    steps_ + 1, loss));
}

void Trainer::update(const AdamSettings& adam) {
  training_.run();
  check_loss(training_.loss());
  memory_.adam(adam, steps_ + 1);
}

void Trainer::update_recorded(const AdamSettings& adam) {
  DeviceBatchSource* on_device = batches_->on_device();
  const auto work = [&] {
    const Graph& graph = training_.graph();
    if (on_device != nullptr) on_device->enqueue(training_.data(graph.input), training_.data(graph.target));
    training_.expect_change();
    training_.run();
    memory_.adam(adam, steps_ + 1);
  };
  backend_->prepare_adam(adam, steps_ + 1);
  if (!warm_) {
    work();
    warm_ = true;
  } else {
    if (!recorded_) recorded_ = backend_->record(work);
    recorded_->run();
    memory_.changed();
  }
  if (on_device != nullptr) on_device->look_ahead((steps_ + 1) / steps_per_epoch(), (steps_ + 1) % steps_per_epoch());
  check_loss(training_.loss());
}

Trainer::Validation Trainer::validate() {
  if (!validating_) return {};
  const Graph& graph = validating_->graph();
  double sum = 0;
  for (int i = 0; i < validation_.batches; ++i) {
    validating_->set(graph.input, batch_of(validation_.inputs, i, validation_.batches));
    validating_->run();
    sum += squared_error(validating_->get(graph.output), batch_of(validation_.targets, i, validation_.batches));
  }
  Validation result{sum / static_cast<double>(validation_.targets.size()), false};
  if (!std::isfinite(result.loss))
    throw Error(
        fmt::format("training diverged: the validation loss after step {} is {}; the last checkpoint is kept, "
                    "try a smaller --learning-rate",
                    steps_, result.loss));
  if (result.loss < best_validation_) {
    result.best = true;
    best_validation_ = result.loss;
    best_step_ = steps_;
  }
  return result;
}

TrainingState Trainer::state() const {
  using Part = ParameterMemory::Part;
  return {steps_,
          total_steps_,
          best_validation_,
          best_step_,
          backend_->loss_scaling(),
          memory_.download(Part::values),
          memory_.download(Part::first_moment),
          memory_.download(Part::second_moment)};
}

void Trainer::resume(const TrainingState& state) {
  using Part = ParameterMemory::Part;
  memory_.upload(Part::values, state.parameters);
  memory_.upload(Part::first_moment, state.first_moment);
  memory_.upload(Part::second_moment, state.second_moment);
  // A state without scaling, from the CPU or another precision, leaves the backend its own first scale.
  if (state.loss_scaling != LossScaling{}) backend_->set_loss_scaling(state.loss_scaling);
  steps_ = state.step;
  total_steps_ = state.total_steps;
  best_validation_ = state.best_validation;
  best_step_ = state.best_step;
}

}  // namespace n2s
