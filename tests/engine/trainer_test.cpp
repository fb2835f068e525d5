// Training is a function of its settings alone: resumed or not, on any number of threads.
#include "engine/training/trainer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/fusion.h"
#include "engine/training/batches.h"
#include "engine/training/checkpoint.h"
#include "engine/training/schedule.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/data/file_helpers.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

using namespace n2s;
using test::kSanitized;

namespace {

constexpr long kSteps = 20;

/// Smooth planes that resemble their neighbours, with noise of their own: an easy problem.
std::vector<TrainingStack> easy_stacks() {
  constexpr int kPlanes = 10;
  constexpr int kSide = 40;
  Stack stack{kPlanes, kSide, kSide, test::random_values(std::size_t{kPlanes} * kSide * kSide, 31)};
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) {
    const double x = static_cast<double>(i % kSide) / kSide;
    const double y = static_cast<double>(i / kSide % kSide) / kSide;
    stack.voxels[i] = 0.05F * stack.voxels[i] + static_cast<float>(0.4 * std::sin(9 * x) * std::cos(7 * y));
  }
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = std::move(stack);
  return stacks;
}

struct RunSettings {
  std::uint64_t seed = 1;
  int threads = 2;
  std::string network = "mri";
  int crop = 32;
};

/// A training as the tools set it up: 2 planes, redrawn noise, every augmentation, 5 steps an epoch.
struct Session {
  explicit Session(const RunSettings& run = {})
      : backend({.threads = run.threads}),
        graph(fuse(find_network(run.network).build(2))),
        batches(stacks, batch_settings(run), backend.pool()),
        trainer(backend, graph, batches, {}, {{}, run.seed, Schedule::cosine_per_epoch}) {
    trainer.set_total_steps(kSteps);
  }

  static BatchSettings batch_settings(const RunSettings& run) {
    BatchSettings settings;
    settings.planes = 2;
    settings.batch = 2;
    settings.augmentation = {run.crop, run.crop, 3, true, 0, true};
    settings.seed = run.seed;
    settings.noise = GaussianNoise{0.05};
    return settings;
  }

  std::vector<float> run_to(long step) {
    while (trainer.steps() < step) trainer.step();
    return trainer.parameters();
  }

  CpuBackend backend;
  Graph graph;
  std::vector<TrainingStack> stacks = easy_stacks();
  StackBatches batches;
  Trainer trainer;
};

/// Batches of one fixed image each, for what does not depend on the data.
class FixedBatches final : public BatchSource {
 public:
  long steps_per_epoch() const override { return 7; }
  Extents extents() const override { return {1, side, side}; }
  void fill(const BatchStep& step, FloatTensor input, FloatTensor target) override {
    std::fill_n(input.data, input.shape.elements(), 0.25F);
    std::fill_n(target.data, target.shape.elements(), 0.5F);
    if (step.step == bad_step) (bad_target ? target : input).data[5] = bad_value;
  }
  int side = 16;
  long bad_step = -1;
  bool bad_target = false;
  float bad_value = std::numeric_limits<float>::quiet_NaN();
};

bool same_state(const TrainingState& a, const TrainingState& b) {
  return a.step == b.step && a.total_steps == b.total_steps && a.parameters == b.parameters &&
         a.first_moment == b.first_moment && a.second_moment == b.second_moment;
}

/// Resumes from every `stride`-th state of a run, and runs each to the end.
void check_resume(const RunSettings& settings, long stride) {
  const test::TemporaryFolder folder;
  Session whole(settings);
  const auto path = [&](long step) { return (folder / ("state" + std::to_string(step))).string(); };
  while (!whole.trainer.finished()) {
    save_state(path(whole.trainer.steps()), whole.graph.layers, {}, whole.trainer.state());
    whole.trainer.step();
  }
  const TrainingState end = whole.trainer.state();
  for (long step = 0; step < kSteps; step += stride) {
    CAPTURE(step);
    RunSettings other_threads = settings;
    other_threads.threads = step % 2 == 0 ? 1 : 2;
    Session later(other_threads);
    later.trainer.set_total_steps(3);  // the state's own figure counts
    later.trainer.resume(load_state(path(step), later.graph.layers));
    CHECK(later.trainer.steps() == step);
    CHECK_FALSE(later.trainer.finished());
    later.run_to(kSteps);
    CHECK(later.trainer.finished());
    CHECK(same_state(later.trainer.state(), end));
  }
}

}  // namespace

TEST_CASE("resuming from any of 20 steps ends bit for bit where the whole run ends") {
  check_resume({.network = "microscopy", .crop = 16}, kSanitized ? 9 : 1);
  if (!kSanitized) check_resume({}, 9);  // the larger net less often, for the sake of time
}

TEST_CASE("one seed gives one result, on 1, 2 and 3 threads; another seed another") {
  constexpr long kEnough = 8;  // into the second epoch
  for (const std::string network : {"microscopy", "mri"}) {
    if (kSanitized && network == "mri") continue;
    const std::vector<float> two = Session({.threads = 2, .network = network}).run_to(kEnough);
    CHECK(Session({.threads = 2, .network = network}).run_to(kEnough) == two);
    CHECK(Session({.threads = 1, .network = network}).run_to(kEnough) == two);
    CHECK(Session({.threads = 3, .network = network}).run_to(kEnough) == two);
    CHECK(Session({.seed = 2, .threads = 2, .network = network}).run_to(kEnough) != two);
  }
}

TEST_CASE("the loss falls on an easy problem") {
  Session session({.network = "microscopy", .crop = 16});
  session.trainer.set_total_steps(60);
  double first = 0;
  double last = 0;
  for (int i = 0; i < 60; ++i) {
    const double loss = session.trainer.step();
    if (i < 5) first += loss / 5;
    if (i >= 55) last += loss / 5;
  }
  CAPTURE(first);
  CAPTURE(last);
  CHECK(last < 0.5 * first);
}

TEST_CASE("numbers that are not finite stop the training before the parameters are touched") {
  for (const Network& network : networks())
    for (const bool in_target : {false, true})
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        CpuBackend backend({.threads = 1});
        FixedBatches batches;
        batches.side = std::max(16, 1 << depth(network.build(2)));
        batches.bad_step = 3;
        batches.bad_target = in_target;
        batches.bad_value = bad;
        Trainer trainer(backend, fuse(network.build(2)), batches, {}, {});
        for (int i = 0; i < 3; ++i) trainer.step();
        const TrainingState before = trainer.state();
        CHECK_THROWS_WITH_AS(trainer.step(), doctest::Contains("step 4"), Error);
        CHECK(same_state(trainer.state(), before));
        batches.bad_step = -1;
        CHECK(std::isfinite(trainer.step()));
      }
}

TEST_CASE("the learning rate follows the cosine, per epoch and per step") {
  constexpr double kBase = 1e-3;
  CHECK(cosine_learning_rate(kBase, 0, 10) == kBase);
  CHECK(cosine_learning_rate(kBase, 5, 10) == doctest::Approx(kBase / 2));
  const auto cosine = [&](double share) { return kBase * (1 + std::cos(std::numbers::pi * share)) / 2; };
  constexpr long kTotal = 38;  // 6 epochs of 7 steps, the last one not full
  for (const Schedule schedule : {Schedule::cosine_per_epoch, Schedule::cosine_per_step}) {
    CpuBackend backend({.threads = 1});
    FixedBatches batches;
    Trainer trainer(backend, fuse(find_network("microscopy").build(1)), batches, {}, {{}, 0, schedule});
    trainer.set_total_steps(kTotal);
    for (long step = 0; step < kTotal; ++step) {
      CAPTURE(step);
      const long epoch = step / 7;
      // Short runs, whose rate falls with every step, are warmed up over 30 steps.
      const double warm_up = std::min(1.0, static_cast<double>(step + 1) / 30);
      const double expected = schedule == Schedule::cosine_per_epoch
                                  ? cosine(static_cast<double>(epoch) / 6)
                                  : warm_up * cosine(static_cast<double>(step) / kTotal);
      CHECK(trainer.learning_rate() == doctest::Approx(expected).epsilon(1e-12));
      trainer.step();
    }
    CHECK(trainer.finished());
  }
}

TEST_CASE("the rate stays where it begins until the number of steps is known") {
  CpuBackend backend({.threads = 1});
  FixedBatches batches;
  Trainer trainer(backend, fuse(find_network("microscopy").build(1)), batches, {}, {});
  for (int i = 0; i < 9; ++i) trainer.step();
  CHECK(trainer.learning_rate() == AdamSettings{}.learning_rate);
  CHECK_FALSE(trainer.finished());
}

TEST_CASE("validation is the mean squared error, finds the best step, and changes nothing") {
  CpuBackend backend({.threads = 2});
  FixedBatches batches;
  const ValidationSet set{{1, 64, 64}, 2, test::random_values(8192, 41), std::vector<float>(8192, 0.5F)};
  const Graph graph = fuse(find_network("microscopy").build(1));
  Trainer trainer(backend, graph, batches, set, {});
  const auto output_of = [&](std::size_t image) {
    Executor executor(backend, graph, set.extents, trainer.memory());
    executor.set(graph.input, std::span(set.inputs).subspan(image * 4096, 4096));
    executor.run();
    return executor.get(graph.output);
  };
  BestValidation best;
  for (int i = 0; i < 12; ++i) {
    if (i > 0) trainer.step();
    const std::vector<float> before = trainer.parameters();
    const Trainer::Validation result = trainer.validate();
    CHECK(trainer.parameters() == before);
    double sum = 0;
    std::vector<float> errors;
    for (std::size_t image = 0; image < 2; ++image) {
      const std::vector<float> output = output_of(image);
      for (const float v : output) sum += (double{v} - 0.5) * (double{v} - 0.5);
      append_block_errors(output, std::span(set.targets).first(4096), set.extents, errors);
    }
    CHECK(result.loss == doctest::Approx(sum / 8192).epsilon(1e-12));
    CHECK(result.best == clearly_lower(errors, best.block_errors));
    if (result.best) best = {result.loss, trainer.steps(), errors};
    CHECK(trainer.best() == best);
    CHECK_FALSE(trainer.validate().best);  // the same loss again is no better
  }
  CHECK(best.step > 0);

  Trainer resumed(backend, graph, batches, set, {});
  resumed.resume(trainer.state());
  CHECK(resumed.best() == best);
  CHECK_FALSE(resumed.validate().best);
}

TEST_CASE("validation on numbers that are not finite is an error, and the best so far stays") {
  CpuBackend backend({.threads = 1});
  FixedBatches batches;
  ValidationSet set{{1, 32, 32}, 1, std::vector<float>(1024, 0.5F), std::vector<float>(1024, 0.5F)};
  set.inputs[100] = std::numeric_limits<float>::quiet_NaN();
  Trainer trainer(backend, fuse(find_network("microscopy").build(1)), batches, set, {});
  CHECK_THROWS_AS(trainer.validate(), Error);
  CHECK(trainer.best() == BestValidation{});
}

TEST_CASE("a state of another network is refused") {
  CpuBackend backend({.threads = 1});
  FixedBatches batches;
  Trainer one(backend, fuse(find_network("microscopy").build(1)), batches, {}, {});
  Trainer two(backend, fuse(find_network("microscopy").build(2)), batches, {}, {});
  CHECK_THROWS_AS(two.resume(one.state()), Error);
}
