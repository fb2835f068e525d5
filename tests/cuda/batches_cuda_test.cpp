// Batches built on the GPU equal those built on the host, for every method, augmentation and kind of noise.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "engine/training/cuda/device_batches.h"
#include "kernels/base/error.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/conv3x3_cases.h"

namespace n2s::test {
namespace {

using device::DeviceBatches;

constexpr std::size_t kPlenty = std::size_t{1} << 28;

struct Size {
  int planes, height, width;
};

Stack drawn_stack(const Size& size, std::uint32_t number) {
  Stack stack{size.planes, size.height, size.width, {}};
  const RandomKey key{77, Purpose::test, number, 0, 0};
  const auto count = static_cast<std::uint32_t>(size.planes * size.height * size.width);
  for (std::uint32_t i = 0; i < count; ++i) stack.voxels.push_back(random_uniform(key, i) - 0.5F);
  return stack;
}

std::vector<TrainingStack> drawn_stacks(const std::vector<Size>& sizes, bool with_targets) {
  std::vector<TrainingStack> stacks;
  for (const Size& size : sizes) {
    TrainingStack stack;
    stack.source = drawn_stack(size, static_cast<std::uint32_t>(2 * stacks.size()));
    if (with_targets) stack.target = drawn_stack(size, static_cast<std::uint32_t>(2 * stacks.size() + 1));
    stack.held_out = {2};
    stacks.push_back(stack);
  }
  return stacks;
}

/// The same planes, half of them on disk.
std::vector<TrainingStack> stored_copies(std::vector<TrainingStack> stacks) {
  for (TrainingStack& stack : stacks)
    for (StackPlanes* planes : {&stack.source, stack.target ? &*stack.target : nullptr}) {
      if (planes == nullptr) continue;
      const Stack values = planes->take();
      VoxelMemory memory{values.voxels.size() * sizeof(float) / 2, std::filesystem::temp_directory_path()};
      const auto stored = std::make_shared<StoredPlanes>(
          StoredPlanes::Shape{values.planes, values.height, values.width}, Image{}, memory);
      for (int plane = 0; plane < values.planes; ++plane) stored->write(plane, plane_of(values, plane));
      *planes = StackPlanes(stored);
    }
  return stacks;
}

struct Case {
  const char* name;
  std::string method = "noise2stack";
  int planes = 4;
  std::vector<Size> sizes = {{9, 24, 20}};
  bool targets = false;
  std::optional<NoiseSpec> noise;
  Augmentation augmentation = {16, 16, 0, false, 0, false};
  double tolerance = 0;  // NMSE; 0: equal bit for bit
};

std::vector<Case> cases() {
  const Augmentation crop{16, 16, 0, false, 0, false};
  const Augmentation all{16, 16, 5, true, -0.5F, true};
  const Augmentation oblong{12, 18, 4, false, -0.25F, true};
  const Augmentation larger{32, 32, 0, false, 0, false};  // than the plane
  constexpr double kFloat = 1e-12;                        // logarithms and cosines, orders of sums
  return {
      {"cropped", "noise2stack", 4, {{9, 24, 20}}, false, std::nullopt, crop},
      {"all augmentations", "noise2stack", 2, {{9, 24, 20}, {5, 17, 33}}, false, std::nullopt, all},
      {"oblong", "noise2stack", 6, {{11, 24, 20}}, false, std::nullopt, oblong},
      {"continued by reflection", "noise2stack", 4, {{9, 24, 20}}, false, std::nullopt, larger},
      {"two copies", "noise2stack", 5, {{9, 24, 20}, {8, 16, 16}}, true, std::nullopt, all},
      {"Noise2Noise", "noise2noise", 1, {{6, 24, 20}}, true, std::nullopt, all},
      {"even-odd", "even-odd", 1, {{9, 24, 20}, {4, 17, 33}}, false, std::nullopt, all},
      {"even-odd, two copies", "even-odd", 1, {{6, 24, 20}}, true, std::nullopt, all},
      {"even-odd, undersampled", "even-odd", 1, {{9, 24, 20}}, false, KspaceNoise{0.3}, all, kFloat},
      {"Gaussian", "noise2stack", 4, {{9, 24, 20}, {5, 17, 33}}, false, GaussianNoise{20}, all, kFloat},
      {"Gaussian, two copies", "noise2noise", 1, {{9, 24, 20}}, false, GaussianNoise{20}, crop, kFloat},
      {"Poisson-Gaussian", "noise2stack", 4, {{9, 24, 20}}, false, PoissonNoise{3, 5}, all, kFloat},
      {"to a clean target", "noise2clean", 5, {{9, 24, 20}}, false, GaussianNoise{20}, all, kFloat},
      {"undersampled", "noise2stack", 4, {{9, 24, 20}, {7, 24, 20}}, false, KspaceNoise{0.3}, all, kFloat},
      {"undersampled, two copies", "noise2stack", 5, {{9, 25, 21}}, false, KspaceNoise{0.3}, crop, kFloat},
      {"undersampled, clean target", "noise2clean", 1, {{9, 24, 20}}, false, KspaceNoise{0.3}, all, kFloat},
      {"Noise2Void", "noise2void", 1, {{9, 24, 20}}, false, std::nullopt, all},
      {"Noise2Void with neighbours", "noise2void", 5, {{9, 24, 20}}, false, GaussianNoise{20}, all, kFloat},
      {"Noise2Self", "noise2self", 3, {{9, 24, 20}}, false, std::nullopt, crop},
      {"structN2V", "structn2v", 1, {{9, 24, 20}}, false, std::nullopt, crop},
      {"undersampled, stored target", "noise2stack", 3, {{9, 24, 20}}, true, KspaceNoise{0.3}, all, kFloat},
  };
}

BatchSettings settings_of(const Case& c) {
  BatchSettings settings;
  settings.method = c.method;
  settings.planes = c.planes;
  settings.batch = 3;
  settings.augmentation = c.augmentation;
  settings.seed = 5;
  settings.noise = c.noise;
  settings.blind_spots = method_of(settings).blind_spots;
  settings.normalisation.scale = 1.0 / 256;
  settings.normalisation.offset = -0.5;
  return settings;
}

BatchStep step_of(long number, long steps_per_epoch) {
  return {static_cast<std::uint32_t>(number / steps_per_epoch), static_cast<std::uint32_t>(number % steps_per_epoch)};
}

struct HostBatch {
  std::vector<float> input, target;
};

/// Targets that do not count are NaN; here they are numbers, which can be compared.
void name_nan(std::vector<float>& values) {
  for (float& value : values)
    if (std::isnan(value)) value = 7;
}

bool agree(std::vector<float> found, std::vector<float> expected, double tolerance) {
  name_nan(found);
  name_nan(expected);
  if (tolerance == 0) return found == expected;
  return nmse(found, std::vector<double>(expected.begin(), expected.end())) <= tolerance;
}

void check_against_host(const Case& c, bool are_stored) {
  CAPTURE(std::string(c.name));
  CAPTURE(are_stored);
  const std::vector<TrainingStack> stacks = drawn_stacks(c.sizes, c.targets);
  const BatchSettings settings = settings_of(c);
  ThreadPool pool(1);
  StackBatches host(stacks, settings, pool);
  DeviceBatches on_device(are_stored ? stored_copies(stacks) : stacks, settings, kPlenty, nullptr);
  REQUIRE(on_device.steps_per_epoch() == host.steps_per_epoch());
  REQUIRE(on_device.extents() == host.extents());
  const Extents e = host.extents();
  const Shape input{e.batch, e.height, e.width, c.planes};
  const Shape target{e.batch, e.height, e.width, 1};
  HostBatch expected{std::vector<float>(static_cast<std::size_t>(input.elements())),
                     std::vector<float>(static_cast<std::size_t>(target.elements()))};
  const DeviceCopy device_input(input, Precision::fp32);
  const DeviceCopy device_target(target, Precision::fp32);
  for (long number = 0; number < 2 * host.steps_per_epoch(); ++number) {
    const BatchStep step = step_of(number, host.steps_per_epoch());
    host.fill(step, {expected.input.data(), input}, {expected.target.data(), target});
    on_device.select(step, nullptr);
    on_device.load(device_input.tensor(), device_target.tensor(), Precision::fp32, nullptr);
    CHECK(agree(device_input.values(), expected.input, c.tolerance));
    CHECK(agree(device_target.values(), expected.target, c.tolerance));
    CHECK(device_input.padding_is_zero());
    CHECK(device_target.padding_is_zero());
  }
}

TEST_CASE("batches built on the GPU equal those built on the host") {
  for (const Case& c : cases())
    for (const bool are_stored : {false, true}) check_against_host(c, are_stored);
}

TEST_CASE("batches are stored in the network's precision") {
  const Case c = cases().front();
  const std::vector<TrainingStack> stacks = drawn_stacks(c.sizes, c.targets);
  const BatchSettings settings = settings_of(c);
  const Shape input{3, 16, 16, 4};
  const Shape target{3, 16, 16, 1};
  DeviceBatches batches(stacks, settings, kPlenty, nullptr);
  const DeviceCopy wide(input, Precision::fp32);
  const DeviceCopy wide_target(target, Precision::fp32);
  batches.load(wide.tensor(), wide_target.tensor(), Precision::fp32, nullptr);
  for (const Precision precision : {Precision::fp16, Precision::bf16}) {
    const DeviceCopy narrow(input, precision);
    const DeviceCopy narrow_target(target, precision);
    batches.load(narrow.tensor(), narrow_target.tensor(), precision, nullptr);
    std::vector<float> expected = wide.values();
    for (float& value : expected) value = rounded(value, precision);
    CHECK(narrow.values() == expected);
    CHECK(narrow.padding_is_zero());
  }
}

TEST_CASE("batch assembly is captured once and replayed for every step") {
  const Case c = cases()[13];
  const std::vector<TrainingStack> stacks = drawn_stacks(c.sizes, c.targets);
  const BatchSettings settings = settings_of(c);
  const Shape input{3, 16, 16, 4};
  const Shape target{3, 16, 16, 1};
  cudaStream_t raw = nullptr;
  check(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking), "stream");
  const CudaStream stream(raw);
  DeviceBatches batches(stacks, settings, kPlenty, raw);
  const DeviceCopy eager(input, Precision::fp32);
  const DeviceCopy eager_target(target, Precision::fp32);
  const DeviceCopy replayed(input, Precision::fp32);
  const DeviceCopy replayed_target(target, Precision::fp32);
  check(cudaStreamBeginCapture(raw, cudaStreamCaptureModeThreadLocal), "capture");
  batches.load(replayed.tensor(), replayed_target.tensor(), Precision::fp32, raw);
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(raw, &captured), "capture");
  const CudaGraph graph(captured);
  cudaGraphExec_t instance = nullptr;
  check(cudaGraphInstantiate(&instance, graph.get(), 0), "graph");
  const CudaGraphExec executable(instance);
  for (long number = 0; number < 2 * batches.steps_per_epoch(); ++number) {
    batches.select(step_of(number, batches.steps_per_epoch()), raw);
    check(cudaGraphLaunch(executable.get(), raw), "replay");
    batches.load(eager.tensor(), eager_target.tensor(), Precision::fp32, raw);
    check(cudaStreamSynchronize(raw), "replay");
    CHECK(replayed.values() == eager.values());
    CHECK(replayed_target.values() == eager_target.values());
  }
}

TEST_CASE("a dataset that does not fit is refused with the reason") {
  Case c = cases().front();
  const auto reason = [&](std::size_t limit) {
    try {
      const DeviceBatches batches(drawn_stacks(c.sizes, c.targets), settings_of(c), limit, nullptr);
    } catch (const device::NotResident& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(reason(kPlenty).empty());
  CHECK(reason(1000).find("GiB of GPU memory") != std::string::npos);
  c.sizes = {{9, 24, 20}, {9, 20, 24}};
  c.noise = KspaceNoise{0.3};
  CHECK(reason(kPlenty).find("24x20 and 20x24") != std::string::npos);
}

}  // namespace
}  // namespace n2s::test
