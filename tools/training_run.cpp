// The loop around the trainer: steps, records, validation, saving, and the end of the run by steps or by time.
#include "tools/training_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "engine/graph/fusion.h"
#include "engine/training/checkpoint.h"
#include "engine/training/shared_state.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "tools/clock.h"
#include "tools/interrupt.h"
#include "tools/model_use.h"
#include "tools/progress.h"
#include "tools/run_folder.h"
#include "tools/training_log.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;
constexpr long kValidations = 20;  // in a run
constexpr long kRecords = 200;     // lines of the log
// A loss that is so many times that of a constant image: training has diverged, and goes on only in case it recovers.
constexpr double kDiverged = 10;
constexpr double kHopeless = 1e6;

long peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

class Run {
 public:
  Run(const std::vector<TrainingStack>& stacks, const TrainingRequest& request, const Device& device, ThreadPool& pool,
      const CommonOptions& common)
      : stacks_(stacks),
        request_(request),
        device_(device),
        pool_(pool),
        common_(common),
        forward_(forward_graph(request)),
        batches_(stacks, request.batches, pool, share(request)),
        validation_(make_validation_set(stacks, request.batches, 1 << depth(forward_), windows(request))),
        trainer_(*device.backend, forward_, batches_, validation_, settings(request), loader(stacks, device)),
        configuration_(model_configuration(*request.network, request.batches, request.traits)),
        log_(file("log.jsonl")) {}

  TrainingResult train(const std::string& resume_command) {
    announce();
    start_ = Clock::now();
    if (request_.resume)
      resume();
    else
      begin();
    Progress progress("training", "steps", std::max(1L, trainer_.total_steps()), common_.quiet);
    try {
      while (!trainer_.finished()) {
        one_step(progress);
        if (on_any_rank(interrupted())) stop(progress, resume_command);
      }
    } catch (const RankLost& lost) {
      stop(progress, resume_command, std::string(lost.what()) + "; ");
    } catch (const Error&) {
      progress.finish();
      throw;
    }
    progress.finish();
    return finish();
  }

 private:
  fs::path file(const char* name) const { return request_.folder / name; }

  bool writes() const { return !request_.ranks || request_.ranks->rank() == 0; }

  bool on_any_rank(bool here) const {
    if (!request_.ranks) return here;
    float count = here ? 1 : 0;
    request_.ranks->sum(std::span(&count, 1));
    return count > 0;
  }

  /// Since the run began, by rank 0's clock: what follows from it must be the same on all.
  double seconds() const {
    double elapsed = seconds_since(start_);
    if (request_.ranks) request_.ranks->broadcast(std::as_writable_bytes(std::span(&elapsed, 1)));
    return elapsed;
  }

  static std::optional<BatchShare> share(const TrainingRequest& request) {
    if (!request.ranks) return std::nullopt;
    return share_of(request.batches.batch, request.ranks->rank(), request.ranks->count());
  }

  static Graph forward_graph(const TrainingRequest& request) {
    Graph unfused = request.network->build(request.batches.planes);
    return request.fusion ? fuse(std::move(unfused)) : unfused;
  }

  /// To choose a model takes more of them than to draw a curve.
  static ValidationWindows windows(const TrainingRequest& request) {
    return {256, request.keep == Keep::best ? 64 : 8};
  }

  /// The dataset may take the device memory that the trainer leaves, less a tenth for the system.
  std::unique_ptr<BatchLoader> loader(const std::vector<TrainingStack>& stacks, const Device& device) {
    const std::size_t needed = Trainer::planned_bytes(*device.backend, forward_, batches_.extents(), validation_);
    const std::size_t usable = request_.ranks ? 0 : device.backend->free_bytes() / 10 * 9;  // shares come from the host
    return device.batch_loader({stacks, request_.batches, batches_, usable > needed ? usable - needed : 0});
  }

  static TrainingSettings settings(const TrainingRequest& request) {
    TrainingSettings s;
    s.adam = request.adam;
    s.seed = request.batches.seed;
    s.masked_loss = request.batches.blind_spots.has_value();
    s.schedule = request.schedule;
    s.spectral_loss = request.spectral_loss;
    s.ranks = request.ranks;
    return s;
  }

  void announce() {
    const BatchSettings& b = request_.batches;
    say(common_, "{} with {} input plane{}, {} network, {}x{} pixel images, {} per step, {} steps per epoch", b.method,
        b.planes, b.planes == 1 ? "" : "s", request_.network->name, b.augmentation.crop_height,
        b.augmentation.crop_width, b.batch, trainer_.steps_per_epoch());
    if (request_.ranks)
      say(common_, "{} ranks, with {} of each step's images or one more; gradients go {}", request_.ranks->count(),
          b.batch / request_.ranks->count(), trainer_.exchange());
    say(common_, "memory for activations, gradients, workspace, parameters and optimiser: {}",
        human_bytes(trainer_.device_bytes()));
    if (const std::string batches = trainer_.loader().description(); !batches.empty()) say(common_, "{}", batches);
  }

  void begin() {
    if (request_.length.epochs > 0) trainer_.set_total_steps(request_.length.epochs * trainer_.steps_per_epoch());
    if (request_.length.steps > 0) trainer_.set_total_steps(request_.length.steps);
    if (writes() && !request_.replaces.empty()) clear_run(request_.replaces);
    log_.clear();
    if (writes()) fs::remove(file("run.json"));  // of an earlier run
    save_model_file("last.safetensors");
    keep("nothing is learned yet");
    save_state();
  }

  void resume() {
    TrainingState state;
    if (writes()) state = stored_state();
    if (request_.ranks) broadcast(*request_.ranks, state);
    trainer_.resume(state);
    if (writes()) log_.load(state.step);
    kept_ = {"", request_.keep == Keep::best ? state.best.step : state.step, "of the run that was resumed"};
    say(common_, "resuming after step {} of {}", state.step, state.total_steps);
  }

  TrainingState stored_state() const {
    TrainingState state = load_state(file("state.safetensors").string(), forward_.layers);
    const nlohmann::json before = load_configuration(file("state.safetensors").string());
    if (before != configuration_)
      throw Error(fmt::format(
          "{}: the run was started with other options ({}); give the same ones, or replace the run with --force",
          file("state.safetensors").string(), json_text(before)));
    return state;
  }

  void one_step(Progress& progress) {
    const auto before = Clock::now();
    loss_sum_ += trainer_.step();
    ++losses_;
    step_seconds_.push_back(seconds_since(before));
    if (trainer_.total_steps() == 0) calibrate(progress);
    const long total = std::max(1L, trainer_.total_steps());
    const bool last = trainer_.finished();
    if (last || trainer_.steps() % std::max(1L, total / kRecords) == 0) record();
    if (last || (trainer_.total_steps() > 0 && trainer_.steps() % std::max(1L, total / kValidations) == 0)) {
      validate();
      keep_to_the_budget(progress);
    }
    progress.update(trainer_.steps(), fmt::format("loss {:.5f}", mean_loss_));
  }

  /// --minutes: times the first steps and sets how many fit, since the learning rate's decay depends on the total.
  void calibrate(Progress& progress) {
    constexpr std::size_t kWarmUp = 2;
    constexpr std::size_t kTimed = 8;
    const double budget = request_.length.minutes * 60;
    if (step_seconds_.size() < kWarmUp + kTimed && seconds() < budget / 20) {
      const double done = static_cast<double>(trainer_.steps());
      progress.set_total(std::max(trainer_.steps() + 1, std::lround(done * budget / std::max(seconds(), 1e-3))));
      return;
    }
    std::vector<double> timed(
        step_seconds_.begin() + std::min<long>(kWarmUp, static_cast<long>(step_seconds_.size()) - 1),
        step_seconds_.end());
    std::nth_element(timed.begin(), timed.begin() + static_cast<long>(timed.size() / 2), timed.end());
    const auto before = Clock::now();
    validate();
    const double left = budget - seconds_since(start_) - static_cast<double>(kValidations) * seconds_since(before);
    long more = std::max(1L, std::lround(0.98 * left / timed[timed.size() / 2]));
    if (request_.ranks) request_.ranks->broadcast(std::as_writable_bytes(std::span(&more, 1)));
    trainer_.set_total_steps(trainer_.steps() + more);
    progress.set_total(trainer_.total_steps());
    say(common_, "about {} steps fit into {:.3g} minutes", trainer_.total_steps(), request_.length.minutes);
  }

  /// --minutes: the machine's load may change, so what fits is measured again at each validation. Once the learning
  /// rate has decayed far, the run may only get shorter.
  void keep_to_the_budget(Progress& progress) {
    if (request_.length.minutes <= 0 || request_.resume || trainer_.total_steps() == 0 || trainer_.finished()) return;
    const double elapsed = seconds();
    const double per_step = elapsed / static_cast<double>(trainer_.steps());
    const double left = request_.length.minutes * 60 - elapsed;
    const long fitting = trainer_.steps() + std::max(1L, static_cast<long>(0.99 * left / per_step));
    const bool may_grow = trainer_.steps() < trainer_.total_steps() * 2 / 3;
    if (fitting < trainer_.total_steps() || may_grow) trainer_.set_total_steps(fitting);
    progress.set_total(trainer_.total_steps());
  }

  void record() {
    if (losses_ > 0) mean_loss_ = loss_sum_ / static_cast<double>(losses_);
    log_.add({trainer_.steps(), mean_loss_, trainer_.learning_rate(), std::nullopt, seconds_since(start_)});
    loss_sum_ = 0;
    losses_ = 0;
    if (diverged(kHopeless)) refuse_divergence();
  }

  /// Validates and saves, unless the training has diverged: then the files stay those of a time before.
  void validate() {
    if (diverged(kDiverged)) return;
    const Trainer::Validation validation = trainer_.validate();
    if (!request_.held_out_nothing)
      log_.add({trainer_.steps(), mean_loss_, trainer_.learning_rate(), validation.loss, seconds_since(start_)});
    save_model_file("last.safetensors");
    if (request_.keep == Keep::last)
      keep(request_.held_out_nothing ? "the last one; no planes are held out to choose by" : "the last one");
    else if (validation.best)
      keep("the lowest validation loss, by more than its standard error");
    save_state();
  }

  void save_model_file(const char* name) {
    if (!writes()) return;
    save_model(file(name).string(), forward_.layers, {configuration_, trainer_.parameters()});
  }

  /// The current model is the one for what follows.
  void keep(std::string why) {
    save_model_file("model.safetensors");
    kept_ = {"", trainer_.steps(), std::move(why)};
  }

  /// Whether the loss is `times` that of a constant image, and of the run's first record.
  bool diverged(double times) const {
    if (log_.records().empty()) return false;
    return mean_loss_ > times * std::max(request_.target_variance, log_.records().front().loss);
  }

  [[noreturn]] void refuse_divergence() const {
    throw Error(fmt::format(
        "training diverged: the loss at step {} is {:.3g}, {:.3g} at the first one; {} holds the model of "
        "step {}; try a smaller --learning-rate",
        trainer_.steps(), mean_loss_, log_.records().front().loss, file("model.safetensors").string(), kept_.step));
  }

  /// The log first: where the run is killed between the two, its last records are left out when it is resumed.
  void save_state() {
    if (!writes()) return;
    log_.save();
    n2s::save_state(file("state.safetensors").string(), forward_.layers, configuration_, trainer_.state());
  }

  [[noreturn]] void stop(Progress& progress, const std::string& resume_command, const std::string& why = {}) {
    progress.finish();
    if (!diverged(kDiverged)) {
      save_model_file("last.safetensors");
      if (request_.keep == Keep::last) keep("the last one, when the run was interrupted");
    }
    save_state();
    throw Error(fmt::format("{}interrupted after step {} of {}; everything is saved, continue with: {}", why,
                            trainer_.steps(), trainer_.total_steps(), resume_command));
  }

  TrainingResult finish() {
    if (diverged(kDiverged)) refuse_divergence();
    save_state();
    TrainingResult result;
    result.steps = trainer_.steps();
    result.epochs = static_cast<double>(trainer_.steps()) / static_cast<double>(trainer_.steps_per_epoch());
    result.seconds = seconds_since(start_);
    result.loss = mean_loss_;
    result.peak_memory_bytes = peak_memory_bytes();
    result.planned_memory_bytes = trainer_.device_bytes();
    result.configuration = json_text(configuration_);
    result.settings = json_text(settings_json());
    result.levels = request_.levels;
    result.advice = request_.advice;
    if (!request_.held_out_nothing) result.validation = {trainer_.best().loss, trainer_.best().step};
    result.kept = kept_;
    result.kept.rule = request_.keep == Keep::best ? "best" : "last";
    say(common_, "kept: the model of step {} ({})", kept_.step, kept_.why);
    for (const std::string name : {"model", "last", "state"})
      result.files[name] = file((name + ".safetensors").c_str()).string();
    result.files["log"] = file("log.jsonl").string();
    result.files["loss_curve"] = file("loss_curve.png").string();
    result.files["record"] = file("run.json").string();
    if (!writes()) return result;
    log_.draw(file("loss_curve.png"));
    result.shown = write_training_example(stacks_, request_, device_, pool_);
    const std::string record = json_text(result_json(result));
    write_file_atomically(file("run.json"), std::as_bytes(std::span(record)));
    return result;
  }

  nlohmann::json settings_json() const {
    const Augmentation& augmentation = request_.batches.augmentation;
    return {{"version", N2S_VERSION},
            {"device", device_.backend->description()},
            {"batch", request_.batches.batch},
            {"crop", {augmentation.crop_height, augmentation.crop_width}},
            {"max_shift", augmentation.max_shift},
            {"orientations", augmentation.orientations},
            {"learning_rate", request_.adam.learning_rate},
            {"schedule", describe(request_.schedule)},
            {"loss", request_.spectral_loss ? "after k-space data consistency" : "plain"},
            {"seed", request_.batches.seed},
            {"stacks", stacks_.size()}};
  }

  const std::vector<TrainingStack>& stacks_;
  const TrainingRequest& request_;
  const Device& device_;
  ThreadPool& pool_;
  const CommonOptions& common_;
  Graph forward_;
  StackBatches batches_;
  ValidationSet validation_;
  Trainer trainer_;
  nlohmann::json configuration_;
  TrainingLog log_;
  Clock::time_point start_;
  std::vector<double> step_seconds_;
  double loss_sum_ = 0;
  long losses_ = 0;
  double mean_loss_ = 0;  // since the last record
  TrainingResult::Kept kept_;
};

}  // namespace

nlohmann::json result_json(const TrainingResult& result) {
  nlohmann::json json{
      {"steps", result.steps},
      {"epochs", result.epochs},
      {"train_seconds", result.seconds},
      {"loss", result.loss},
      {"peak_memory_bytes", result.peak_memory_bytes},
      {"planned_memory_bytes", result.planned_memory_bytes},
      {"kept", {{"rule", result.kept.rule}, {"step", result.kept.step}, {"why", result.kept.why}}},
      {"configuration", parse_json(result.configuration)},
      {"settings", parse_json(result.settings)},
      {"levels", parse_json(result.levels)},
      {"shown", {{"stack", result.shown.stack}, {"planes", result.shown.planes}, {"target", result.shown.target}}},
      {"files", result.files}};
  if (!result.advice.empty()) json["advice"] = parse_json(result.advice);
  if (result.validation) {
    json["best_validation"] = result.validation->best;
    json["best_step"] = result.validation->step;
  }
  return json;
}

TrainingResult run_training(const std::vector<TrainingStack>& stacks, const TrainingRequest& request,
                            const Device& device, ThreadPool& pool, const CommonOptions& common,
                            const std::string& resume_command) {
  const InterruptGuard guard;
  if (!request.ranks || request.ranks->rank() == 0) fs::create_directories(request.folder);
  return Run(stacks, request, device, pool, common).train(resume_command);
}

}  // namespace n2s
