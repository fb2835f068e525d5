// The training step, validation, and what is saved to resume.
#include "engine/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "engine/graph/autograd.h"
#include "engine/training/gradient_buckets.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

std::span<const float> batch_of(const std::vector<float>& values, int batch, int batches) {
  const std::size_t count = values.size() / static_cast<std::size_t>(batches);
  return std::span(values).subspan(static_cast<std::size_t>(batch) * count, count);
}

double mean_squared_error(std::span<const float> a, std::span<const float> b, bool is_masked) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_masked && std::isnan(b[i])) continue;
    sum += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
    ++count;
  }
  return sum / static_cast<double>(std::max<std::size_t>(count, 1));
}

double squares(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * double{value};
  return sum;
}

void check_loss(double loss, long step, const char* what = "loss") {
  if (!std::isfinite(loss))
    throw Error(
        fmt::format("training diverged: the {} at step {} is {}; the last checkpoint is kept, try a smaller "
                    "--learning-rate or check the data for extreme values",
                    what, step, std::isnan(loss) ? "not a number" : "infinite"));
}

}  // namespace

Trainer::Trainer(Backend& backend, const Graph& forward, BatchSource& source, ValidationSet validation,
                 const TrainingSettings& settings, std::unique_ptr<BatchLoader> loader)
    : backend_(&backend),
      source_(&source),
      loader_(loader ? std::move(loader) : std::make_unique<HostBatchLoader>(source)),
      validation_(std::move(validation)),
      settings_(settings),
      memory_(backend, forward.layers, true),
      training_(backend, differentiate(forward, settings.masked_loss), source.extents(), memory_),
      update_(backend) {
  if (validation_.batches > 0) validating_ = std::make_unique<Executor>(backend, forward, validation_.extents, memory_);
  memory_.upload(ParameterMemory::Part::values, initial_parameters(forward.layers, settings.seed));
  if (!settings_.ranks) return;
  std::string why_host;
  device_sums_ = backend.device_sums(*settings_.ranks, why_host);
  exchange_ = device_sums_ ? "from GPU to GPU" : "through the host" + (why_host.empty() ? "" : ": " + why_host);
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
  return n2s::learning_rate(settings_.schedule, settings_.adam.learning_rate,
                            {steps_, total_steps_, steps_per_epoch()});
}

AdamSettings Trainer::current_adam() const {
  AdamSettings adam = settings_.adam;
  adam.learning_rate = learning_rate();
  adam.beta1 = beta1(settings_.schedule, adam.beta1, {steps_, total_steps_, steps_per_epoch()});
  return adam;
}

BatchStep Trainer::batch_step(long step) const {
  return {static_cast<std::uint32_t>(step / steps_per_epoch()), static_cast<std::uint32_t>(step % steps_per_epoch())};
}

double Trainer::step() {
  loader_->select(batch_step(steps_), training_);
  backend_->set_adam_step(current_adam(), steps_ + 1);
  double counted = 1;  // of the mean squared error
  if (settings_.spectral_loss || settings_.ranks)
    counted = update_in_parts();
  else
    update();
  memory_.changed();
  loader_->look_ahead(batch_step(steps_ + 1));
  const double loss = counted * training_.loss();
  check_loss(loss, steps_ + 1);
  ++steps_;
  return loss;
}

void Trainer::update() {
  update_.run([this] {                    // on a GPU one CUDA graph
    loader_->load(training_);             // next batch
    training_.run();                      // forward and backward
    memory_.adam(training_.loss_data());  // changes nothing where the loss is not finite
  });
}

/// The same, where gradients go through the host on the way, so that nothing is captured. Returns the part of the mean
/// squared error that counts.
double Trainer::update_in_parts() {
  double counted = 1;
  loader_->load(training_);
  const float weight = settings_.ranks ? counted_in_share() : 1;  // the target's memory is used again later
  std::vector<RandomKey> keys;
  if (settings_.spectral_loss) keys = source_->noise_keys(batch_step(steps_));
  std::optional<GradientBuckets> buckets;
  const double factor = device_sums_ ? factor_of(weight) : 1;
  if (device_sums_) buckets.emplace(*device_sums_, memory_, factor);
  training_.run([&](std::size_t operation) {
    if (settings_.spectral_loss) filter_gradient(operation, keys, counted);
    if (buckets) buckets->ran(training_.graph().operations[operation]);
  });
  if (buckets) {
    device_sums_->start(*training_.loss_data(), factor);
    buckets->finish();
  } else if (settings_.ranks) {
    exchange_gradients(weight);
  }
  memory_.adam(training_.loss_data());
  return counted;
}

/// After the loss, before the backward pass.
void Trainer::filter_gradient(std::size_t operation, std::span<const RandomKey> keys, double& counted) {
  const auto* error = std::get_if<MeanSquaredError>(&training_.graph().operations[operation]);
  if (error == nullptr) return;
  const SpectralLoss& spectral = *settings_.spectral_loss;
  const double factor = spectral.images_by_planes(training_.extents());
  std::vector<float> gradient = training_.get(error->to.gradient);
  const double before = squares(gradient);
  spectral.keep_unmeasured(keys, training_.extents(), gradient);
  if (before > 0) counted = factor * squares(gradient) / before;
  for (float& value : gradient) value *= static_cast<float>(factor);
  training_.set(error->to.gradient, gradient);
}

/// What the loss of this rank's share is a mean over, up to a factor that all ranks have.
float Trainer::counted_in_share() const {
  if (!settings_.masked_loss) return static_cast<float>(training_.extents().batch);
  const std::vector<float> target = training_.get(training_.graph().target);
  return static_cast<float>(std::count_if(target.begin(), target.end(), [](float v) { return !std::isnan(v); }));
}

/// This rank's part of the whole batch.
double Trainer::factor_of(float weight) {
  float all = weight;
  settings_.ranks->sum(std::span(&all, 1));
  return double{weight} / std::max(double{all}, 1.0);
}

/// Gradients and loss become those of the whole batch, on every rank.
void Trainer::exchange_gradients(float weight) {
  std::vector<float> values = memory_.download(ParameterMemory::Part::gradients);
  values.push_back(static_cast<float>(training_.loss()));
  for (float& value : values) value *= weight;
  values.push_back(weight);
  settings_.ranks->sum(values);
  const float all = std::max(values.back(), 1.0F);
  for (float& value : values) value /= all;
  training_.set_loss(double{values[values.size() - 2]});
  values.resize(values.size() - 2);
  memory_.upload(ParameterMemory::Part::gradients, values);
}

Trainer::Validation Trainer::validate() {
  if (!validating_) return {};
  const Graph& graph = validating_->graph();
  double sum = 0;
  std::vector<float> block_errors;
  for (int i = 0; i < validation_.batches; ++i) {
    validating_->set(graph.input, batch_of(validation_.inputs, i, validation_.batches));
    validating_->run();
    std::vector<float> output = validating_->get(graph.output);
    std::span<const float> target = batch_of(validation_.targets, i, validation_.batches);
    const std::vector<float> nothing(settings_.spectral_loss ? target.size() : 0);
    if (settings_.spectral_loss) {  // the errors that count, beside none
      for (std::size_t p = 0; p < output.size(); ++p) output[p] -= target[p];
      settings_.spectral_loss->keep_unmeasured({&validation_.noise_keys.at(static_cast<std::size_t>(i)), 1},
                                               validation_.extents, output);
      target = nothing;
    }
    sum += mean_squared_error(output, target, settings_.masked_loss);
    append_block_errors(output, target, validation_.extents, block_errors);
  }
  if (settings_.spectral_loss) sum *= settings_.spectral_loss->images_by_planes(validation_.extents);
  Validation result{sum / validation_.batches, false};
  check_loss(result.loss, steps_, "validation loss");
  if (clearly_lower(block_errors, best_.block_errors)) {
    result.best = true;
    best_ = {result.loss, steps_, std::move(block_errors)};
  }
  return result;
}

TrainingState Trainer::state() const {
  using Part = ParameterMemory::Part;
  return {steps_,
          total_steps_,
          best_,
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
  best_ = state.best;
}

}  // namespace n2s
