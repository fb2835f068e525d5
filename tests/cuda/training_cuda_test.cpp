// Whole trainings on the GPU against those on the CPU: batches, captured steps, every precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/devices/device.h"
#include "engine/graph/fusion.h"
#include "engine/inference/inference.h"
#include "engine/training/batches.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/cuda/runs_here.h"
#include "tests/cuda/tiny_nets.h"
#include "tests/data/file_helpers.h"
#include "tests/engine/mirrored_ranks.h"
#include "tests/kernels/conv3x3_cases.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"
#ifdef N2S_EMULATION
#include "emulation/control.h"
#endif

namespace n2s::test {
namespace {

// Sanitizers make emulation slower still; what they look for shows in a few steps.
constexpr long kSteps = kSanitized ? 3 : 20;
constexpr long kFewSteps = std::min(kSteps, 6L);  // where steps are compared with each other, not with the CPU's
constexpr std::size_t kPlenty = std::size_t{1} << 28;

constexpr Schedule kSchedule = Schedule::cosine_per_epoch;

constexpr int kPlanes = 9;
constexpr int kSide = 24;

float clean_voxel(std::size_t index) {
  const double x = static_cast<double>(index % kSide) / kSide;
  const double y = static_cast<double>(index / kSide % kSide) / kSide;
  return static_cast<float>(0.4 * std::sin(9 * x) * std::cos(7 * y));
}

/// Smooth planes that resemble their neighbours, with noise of their own.
std::vector<TrainingStack> easy_stacks() {
  Stack stack{kPlanes, kSide, kSide, random_values(std::size_t{kPlanes} * kSide * kSide, 31)};
  for (std::size_t i = 0; i < stack.voxels.size(); ++i) stack.voxels[i] = 0.05F * stack.voxels[i] + clean_voxel(i);
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = std::move(stack);
  stacks[0].held_out = {4};
  return stacks;
}

BatchSettings batch_settings() {
  BatchSettings settings;
  settings.planes = 2;
  settings.batch = 2;
  settings.augmentation = {16, 16, 3, true, 0, true};
  settings.seed = 3;
  settings.noise = GaussianNoise{0.05};
  return settings;
}

struct Net {
  const char* name;
  Graph graph;
};
std::vector<Net> nets() {
  if (kSanitized) return {{"microscopy", tiny_microscopy_net(2)}};
  return {{"MRI", tiny_mri_net(2)}, {"microscopy", tiny_microscopy_net(2)}};
}

/// A training on any backend; batches are made on the device where `limit` lets them.
struct Session {
  Session(const Device& device, const Graph& graph, std::size_t limit = kPlenty)
      : settings(batch_settings()),
        pool(1),
        stacks(easy_stacks()),
        batches(stacks, settings, pool),
        trainer(*device.backend, graph, batches, make_validation_set(stacks, settings, 4, {16, 4}), {{}, 1, kSchedule},
                device.batch_loader({stacks, settings, batches, limit})) {
    trainer.set_total_steps(20);
  }

  std::vector<double> run_to(long step) {
    std::vector<double> losses;
    while (trainer.steps() < step) losses.push_back(trainer.step());
    return losses;
  }

  BatchSettings settings;
  ThreadPool pool;
  std::vector<TrainingStack> stacks;
  StackBatches batches;
  Trainer trainer;
};

struct Result {
  std::vector<double> losses;
  double validation = 0;
  std::vector<float> parameters;
  double psnr = 0;  // dB, of the stack that the network restores
};

double psnr_of(const Stack& restored) {
  constexpr double kRange = 0.8;
  double error = 0;
  for (std::size_t i = 0; i < restored.voxels.size(); ++i)
    error += std::pow(double{restored.voxels[i]} - double{clean_voxel(i)}, 2);
  return 10 * std::log10(kRange * kRange * static_cast<double>(restored.voxels.size()) / error);
}

Result train(const Device& device, const Graph& graph, long steps, std::size_t limit = kPlenty) {
  Session session(device, graph, limit);
  Result result{session.run_to(steps), 0, {}, 0};
  const Stack& noisy = *session.stacks[0].source.in_memory();
  result.psnr = psnr_of(restore_stack(*device.inference, {&graph, 24}, session.trainer.memory(), noisy, {}));
  result.validation = session.trainer.validate().loss;
  result.parameters = session.trainer.parameters();
  return result;
}
Result train_on_gpu(const CudaOptions& options, const Graph& graph, long steps, std::size_t limit = kPlenty) {
  return train(open_cuda(options), graph, steps, limit);
}

double nmse_of(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(double{found[i]} - double{expected[i]}, 2);
    power += std::pow(double{expected[i]}, 2);
  }
  return error / power;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST_CASE("20 steps in fp32 end where the CPU's do") {
  for (const Net& net : nets()) {
    CAPTURE(std::string(net.name));
    const Device cpu = open_cpu({.threads = 1});
    const Result expected = train(cpu, fuse(net.graph), kSteps);
    const Result found = train_on_gpu({}, fuse(net.graph), kSteps);
    CHECK(nmse_of(found.parameters, expected.parameters) <= 1e-8);
    CHECK(found.validation == doctest::Approx(expected.validation).epsilon(1e-4));
    for (std::size_t i = 0; i < found.losses.size(); ++i)
      CHECK(found.losses[i] == doctest::Approx(expected.losses[i]).epsilon(1e-4));
  }
}

TEST_CASE("the other precisions learn as fp32 does") {
  const CudaOptions modes[] = {{0, "tf32", "auto"}, {0, "fp16", "mma"},   {0, "fp16", "wmma"},
                               {0, "bf16", "auto"}, {0, "fp16", "cudnn"}, {0, "fp16", "cublas"}};
  for (const Net& net : nets()) {
    const Result expected = train_on_gpu({}, fuse(net.graph), kSteps);
    for (const CudaOptions& mode : modes) {
      if (!runs_here(mode)) continue;
      CAPTURE(std::string(net.name));
      CAPTURE(mode.precision);
      CAPTURE(mode.variant);
      const Result found = train_on_gpu(mode, fuse(net.graph), kSteps);
      CHECK(mean(found.losses) == doctest::Approx(mean(expected.losses)).epsilon(0.02));
      CHECK(found.validation == doctest::Approx(expected.validation).epsilon(0.02));
      CHECK(std::abs(found.psnr - expected.psnr) <= 0.05);
    }
  }
}

TEST_CASE("one seed gives one result on the GPU, and a resumed run the same") {
  const Graph graph = fuse(tiny_microscopy_net(2));
  for (const char* precision : {"fp32", "fp16"}) {
    if (kSanitized && std::string(precision) == "fp16") continue;
    CAPTURE(std::string(precision));
    const Result once = train_on_gpu({0, precision, "auto"}, graph, kFewSteps);
    CHECK(train_on_gpu({0, precision, "auto"}, graph, kFewSteps).parameters == once.parameters);
    const Device device = open_cuda({0, precision, "auto"});
    Session first(device, graph);
    first.run_to(2);
    const TrainingState state = first.trainer.state();
    const Device fresh = open_cuda({0, precision, "auto"});
    Session later(fresh, graph);
    later.trainer.resume(state);
    later.run_to(kFewSteps);
    CHECK(later.trainer.parameters() == once.parameters);
  }
}

TEST_CASE("a streamed dataset trains as a resident one") {
  const Graph graph = fuse(tiny_microscopy_net(2));
  const Result resident = train_on_gpu({}, graph, kFewSteps);
  const Result streamed = train_on_gpu({}, graph, kFewSteps, 0);
  CHECK(nmse_of(streamed.parameters, resident.parameters) <= 1e-10);  // the noise's logarithms are rounded differently
  const Device gpu = open_cuda({});
  CHECK(contains(Session(gpu, graph).trainer.loader().description(), "stays on the GPU"));
  CHECK(contains(Session(gpu, graph, 0).trainer.loader().description(), "0.00 GiB are left"));
}

TEST_CASE("the fused graph on the GPU trains as the unfused one") {
  for (const Net& net : nets()) {
    CAPTURE(std::string(net.name));
    const Result unfused = train_on_gpu({}, net.graph, kFewSteps);
    CHECK(nmse_of(train_on_gpu({}, fuse(net.graph), kFewSteps).parameters, unfused.parameters) <= 1e-8);
    const Result half = train_on_gpu({0, "fp16", "auto"}, net.graph, kFewSteps);
    CHECK(mean(half.losses) == doctest::Approx(mean(unfused.losses)).epsilon(0.02));
  }
}

#ifdef N2S_EMULATION  // a real GPU is what it is
TEST_CASE("the loss after k-space data consistency is on the GPU what it is on the CPU") {
  const auto losses = [](const Device& device) {
    ThreadPool pool(1);
    const std::vector<TrainingStack> stacks = easy_stacks();
    BatchSettings settings;
    settings.method = "noise2noise";
    settings.planes = 1;
    settings.batch = 2;
    settings.noise = KspaceNoise{0.3};
    settings.augmentation = {kSide, kSide, 5, true, 0, false};
    StackBatches batches(stacks, settings, pool);
    TrainingSettings training{{}, 1, Schedule::noise2noise};
    training.spectral_loss = std::make_shared<SpectralLoss>(*settings.noise, kSide, kSide, pool);
    const Graph graph = tiny_microscopy_net(1);
    Trainer trainer(*device.backend, graph, batches, make_validation_set(stacks, settings, 4), training,
                    device.batch_loader({stacks, settings, batches, kPlenty}));
    trainer.set_total_steps(kFewSteps);
    std::vector<double> all;
    while (!trainer.finished()) all.push_back(trainer.step());
    all.push_back(trainer.validate().loss);
    return all;
  };
  const std::vector<double> expected = losses(open_cpu({.threads = 1}));
  for (const bool is_half : {false, true}) {
    CAPTURE(is_half);
    const double tolerance = is_half ? 0.02 : 1e-4;
    const std::vector<double> found = losses(open_cuda({0, is_half ? "fp16" : "fp32"}));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(tolerance));
  }
}

/// Losses and parameters of a few steps, with as many mirrored ranks.
Result train_mirrored(const Graph& graph, const BatchSettings& settings, int ranks, const std::string& precision) {
  const Device device = open_cuda({0, precision});
  ThreadPool pool(1);
  const std::vector<TrainingStack> stacks = easy_stacks();
  StackBatches batches(stacks, settings, pool);
  TrainingSettings training{{}, 1, kSchedule};
  training.masked_loss = settings.blind_spots.has_value();
  if (ranks > 1) training.ranks = std::make_shared<MirroredRanks>(ranks);
  Trainer trainer(*device.backend, graph, batches, {}, training,
                  device.batch_loader({stacks, settings, batches, kPlenty}));
  CHECK(trainer.exchange() == (ranks > 1 ? "from GPU to GPU" : ""));
  trainer.set_total_steps(20);
  Result result;
  while (trainer.steps() < 3) result.losses.push_back(trainer.step());
  result.parameters = trainer.parameters();
  return result;
}

TEST_CASE("gradients that ranks add up from GPU to GPU, in buckets, are those of one rank") {
  BatchSettings masked = batch_settings();
  masked.method = "noise2void";
  masked.planes = 1;
  masked.blind_spots = training_method(masked.method, 1).blind_spots;
  const auto check = [&](const Graph& graph, const BatchSettings& settings, const std::string& precision) {
    const Result alone = train_mirrored(graph, settings, 1, precision);
    const Result together = train_mirrored(graph, settings, 2, precision);  // halved and doubled: the same bits
    CHECK(together.losses == alone.losses);
    CHECK(together.parameters == alone.parameters);
  };
  for (const char* precision : {"fp32", "fp16"}) {
    for (const Net& net : nets()) check(fuse(net.graph), batch_settings(), precision);
    check(fuse(tiny_microscopy_net(1)), masked, precision);
  }
  // More parameters than a bucket has.
  if (!kSanitized) check(fuse(find_network("microscopy").build(2)), batch_settings(), "fp32");
}

TEST_CASE("Volta trains in fp16, and says which precisions and variants it lacks") {
  emulation::set_compute_capability(7, 0);
  const Graph graph = fuse(tiny_microscopy_net(2));
  const Result found = train_on_gpu({0, "fp16", "auto"}, graph, kFewSteps);
  const Result expected = train_on_gpu({}, graph, kFewSteps);
  CHECK(mean(found.losses) == doctest::Approx(mean(expected.losses)).epsilon(0.02));
  CHECK(contains(error_of([] { make_cuda_backend({0, "bf16", "auto"}); }), "bf16"));
  CHECK(contains(error_of([] { make_cuda_backend({0, "tf32", "auto"}); }), "tf32"));
  CHECK(contains(error_of([] { make_cuda_backend({0, "fp16", "mma"}); }), "mma"));
  CHECK(contains(error_of([] { make_cuda_backend({0, "fp16", "simt"}); }), "simt"));
  emulation::set_compute_capability(8, 0);
}

TEST_CASE("code for Volta runs as such on a newer GPU") {
  emulation::set_compute_capability(9, 0);
  emulation::set_compiled_for(70);
  CHECK(device::kernel_code(0) == "sm_90 from compute_70");
  CHECK(contains(error_of([] { make_cuda_backend({0, "bf16", "auto"}); }), "this build's code for it"));
  CHECK(contains(error_of([] { make_cuda_backend({0, "fp16", "mma"}); }), "mma"));
  const Graph graph = fuse(tiny_microscopy_net(2));
  const Result found = train_on_gpu({0, "fp16", "auto"}, graph, kFewSteps);
  CHECK(found.parameters == train_on_gpu({0, "fp16", "wmma"}, graph, kFewSteps).parameters);
  emulation::set_compiled_for(0);
  emulation::set_compute_capability(8, 0);
}
#endif

TEST_CASE("gradients that overflow change nothing but the scale") {
  const Graph graph = fuse(tiny_microscopy_net(2));
  const Device gpu = open_cuda({0, "fp16", "auto"});
  Backend* backend = gpu.backend.get();
  Session session(gpu, graph);
  session.run_to(2);
  const std::vector<float> before = session.trainer.parameters();
  backend->set_loss_scaling({1e9F, 1999});
  session.run_to(3);
  CHECK(session.trainer.parameters() == before);
  CHECK(backend->loss_scaling() == LossScaling{5e8F, 0});
  backend->set_loss_scaling({1024, 1999});
  session.run_to(4);
  CHECK(session.trainer.parameters() != before);
  CHECK(backend->loss_scaling() == LossScaling{2048, 0});
}

TEST_CASE("a loss that is not finite stops the training before it does harm") {
  std::vector<TrainingStack> stacks = easy_stacks();
  const Graph graph = fuse(tiny_microscopy_net(2));
  const Device gpu = open_cuda({});
  BatchSettings settings = batch_settings();
  settings.noise.reset();
  Stack unknown = stacks[0].source.take();
  for (float& voxel : unknown.voxels) voxel = std::nanf("");
  stacks[0].source = std::move(unknown);
  ThreadPool pool(1);
  StackBatches batches(stacks, settings, pool);
  Trainer trainer(*gpu.backend, graph, batches, {}, {{}, 1, kSchedule},
                  gpu.batch_loader({stacks, settings, batches, kPlenty}));
  const std::vector<float> before = trainer.parameters();
  for (int i = 0; i < 3; ++i) CHECK(contains(error_of([&] { trainer.step(); }), "diverged"));
  CHECK(trainer.parameters() == before);
}

}  // namespace
}  // namespace n2s::test
