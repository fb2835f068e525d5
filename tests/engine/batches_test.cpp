// What each training method gives the network as input and as target.
#include "engine/training/batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/training/fixed_noise.h"
#include "engine/training/validation_set.h"
#include "kernels/base/error.h"
#include "tests/data/file_helpers.h"
#include "tests/engine/numbered_stacks.h"

using namespace n2s;
using namespace n2s::test;

namespace {

struct Batch {
  Shape shape;  // of the input
  std::vector<float> input, target;
  float in(int image, int channel) const {
    return input[static_cast<std::size_t>(image) * kPixels * static_cast<std::size_t>(shape.channels) +
                 static_cast<std::size_t>(channel)];
  }
  float out(int image) const { return target[static_cast<std::size_t>(image) * kPixels]; }
};

Batch draw(StackBatches& batches, int planes, long epoch, long step_in_epoch) {
  const Extents extents = batches.extents();
  const Shape shape{extents.batch, extents.height, extents.width, planes};
  Batch batch{shape, std::vector<float>(static_cast<std::size_t>(shape.elements())),
              std::vector<float>(static_cast<std::size_t>(shape.pixels()))};
  const BatchStep step{static_cast<std::uint32_t>(epoch), static_cast<std::uint32_t>(step_in_epoch)};
  batches.fill(step, {batch.input.data(), shape}, {batch.target.data(), {shape.batch, kSide, kSide, 1}});
  return batch;
}

/// Calls use(batch, image) for every image of two epochs.
template <class Use>
void for_images(const std::vector<TrainingStack>& stacks, const BatchSettings& settings, Use&& use) {
  ThreadPool pool(2);
  StackBatches batches(stacks, settings, pool);
  for (long epoch = 0; epoch < 2; ++epoch)
    for (long step = 0; step < batches.steps_per_epoch(); ++step) {
      const Batch batch = draw(batches, settings.planes, epoch, step);
      for (int image = 0; image < settings.batch; ++image) use(batch, image);
    }
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("a method's name and number of planes choose its row") {
  CHECK(method_names() == std::vector<std::string>{"noise2stack", "noise2noise", "noise2clean", "even-odd",
                                                   "noise2void", "n2v2", "structn2v", "noise2self"});
  CHECK_FALSE(training_method("noise2stack", 4).needs_target);
  CHECK(training_method("noise2stack", 5).needs_target);
  CHECK(training_method("noise2clean", 5).target == TargetOf::clean_source);
  for (const char* blind : {"noise2void", "n2v2", "structn2v", "noise2self"}) {
    CHECK(training_method(blind, 1).blind_spots.has_value());
    CHECK_FALSE(training_method(blind, 5).needs_target);
    CHECK(default_planes(blind, 9, false) == 1);
    CHECK(contains(error_of([&] { training_method(blind, 4); }), "1, 3, 5"));
  }
  CHECK(contains(error_of([] { training_method("noise2nothing", 4); }), "noise2clean"));
}

TEST_CASE("the default number of planes is what the shortest stack gives and the method takes") {
  CHECK(default_planes("noise2stack", 5, false) == 4);
  CHECK(default_planes("noise2stack", 4, false) == 2);
  CHECK(default_planes("noise2stack", 5, true) == 5);
  CHECK(default_planes("noise2stack", 3, true) == 3);
  CHECK(default_planes("noise2noise", 9, true) == 1);
  CHECK(default_planes("even-odd", 9, false) == 1);
  CHECK(default_planes("even-odd", 9, true) == 1);
  CHECK(default_planes("noise2clean", 9, true) == 5);
  CHECK(default_planes("noise2clean", 9, false) == 5);  // the stack is clean, its noise simulated
}

TEST_CASE("the self-supervised input never holds the target plane") {
  for (const int planes : {2, 4, 6})
    for (const int gap : {0, 1}) {
      BatchSettings settings = settings_for("noise2stack", planes);
      settings.gap = gap;
      for_images(one_copy(9), settings, [&](const Batch& batch, int image) {
        for (int channel = 0; channel < planes; ++channel) {
          CHECK(batch.in(image, channel) >= 0);
          CHECK(std::abs(batch.in(image, channel) - batch.out(image)) > static_cast<float>(gap));
        }
      });
    }
}

TEST_CASE("with two copies the input is of the first and the target of the second") {
  for (const int planes : {1, 3, 5, 7}) {
    const std::string method = planes == 1 ? "noise2noise" : "noise2stack";
    for_images(two_copies(9), settings_for(method, planes), [&](const Batch& batch, int image) {
      CHECK(batch.out(image) >= 100);
      CHECK(batch.in(image, planes / 2) == batch.out(image) - 100);  // the same plane
      for (int channel = 0; channel < planes; ++channel) CHECK(batch.in(image, channel) < 100);
    });
  }
}

TEST_CASE(
    "even-odd asks for the other plane of a pair, in both directions, and for the second copy where there is one") {
  const std::vector<float> partners{1, 0, 3, 2, 5, 4, 5};  // the last of an odd number has the one before
  std::set<float> seen;
  for_images(one_copy(7), settings_for("even-odd", 1), [&](const Batch& batch, int image) {
    CHECK(batch.out(image) == partners[static_cast<std::size_t>(batch.in(image, 0))]);
    seen.insert(batch.in(image, 0));
  });
  CHECK(seen.size() == 7);
  for_images(two_copies(5), settings_for("even-odd", 1),
             [&](const Batch& batch, int image) { CHECK(batch.out(image) == batch.in(image, 0) + 100); });
  CHECK(contains(error_of([&] { training_targets(one_copy(1), settings_for("even-odd", 1)); }), "two planes"));
}

TEST_CASE("even-odd with simulated noise draws another one for the target") {
  BatchSettings settings = settings_for("even-odd", 1);
  settings.noise = GaussianNoise{0.1};
  for_images(one_copy(6), settings, [&](const Batch& batch, int image) {
    CHECK(std::abs(std::abs(batch.in(image, 0) - batch.out(image)) - 1) < 0.8F);
    CHECK(std::abs(batch.in(image, 0) - std::round(batch.in(image, 0))) !=
          std::abs(batch.out(image) - std::round(batch.out(image))));
  });
}

TEST_CASE("noise2clean asks for the clean plane") {
  for_images(two_copies(6), settings_for("noise2clean", 3),
             [&](const Batch& batch, int image) { CHECK(batch.in(image, 1) == batch.out(image) - 100); });
  BatchSettings settings = settings_for("noise2clean", 3);
  settings.noise = GaussianNoise{0.1};
  for_images(one_copy(6), settings, [&](const Batch& batch, int image) {
    CHECK(batch.out(image) == std::round(batch.out(image)));      // no noise on it
    CHECK(batch.in(image, 1) != std::round(batch.in(image, 1)));  // noise on the same plane of the input
    CHECK(std::abs(batch.in(image, 1) - batch.out(image)) < 0.499F);
  });
}

TEST_CASE("every target is seen once an epoch, held-out planes never, and the order changes") {
  std::vector<TrainingStack> stacks = one_copy(9);
  stacks.push_back({numbered_stack(6, 50), {}, {0, 5}});
  stacks[0].held_out = {2, 7};
  constexpr int kTargets = 7 + 4;
  for (const int batch : {1, 3, 4, 11, 16}) {
    CAPTURE(batch);
    ThreadPool pool(2);
    const BatchSettings settings = settings_for("noise2stack", 2, batch);
    StackBatches batches(stacks, settings, pool);
    CHECK(batches.steps_per_epoch() == (kTargets + batch - 1) / batch);
    std::vector<std::vector<float>> orders;
    for (long epoch = 0; epoch < 2; ++epoch) {
      std::vector<float> order;
      for (long step = 0; step < batches.steps_per_epoch(); ++step) {
        const Batch drawn = draw(batches, 2, epoch, step);
        for (int image = 0; image < batch; ++image) order.push_back(drawn.out(image));
      }
      const std::set<float> once(order.begin(), order.begin() + kTargets);
      CHECK(once == std::set<float>{0, 1, 3, 4, 5, 6, 8, 51, 52, 53, 54});
      // What fills the last batch up comes from the epoch's beginning: no held-out plane slips in.
      for (std::size_t i = kTargets; i < order.size(); ++i) CHECK(order[i] == order[i - kTargets]);
      orders.push_back(order);
    }
    CHECK(orders[0] != orders[1]);
  }
}

TEST_CASE("redrawn noise is new in every epoch and the same for the same step, in any order of calls") {
  BatchSettings settings = settings_for("noise2stack", 2);
  settings.noise = GaussianNoise{0.1};
  settings.augmentation.max_shift = 3;
  settings.augmentation.orientations = true;
  const std::vector<TrainingStack> stacks = one_copy(8);
  ThreadPool pool(2);
  ThreadPool single(1);
  StackBatches batches(stacks, settings, pool);
  StackBatches again(stacks, settings, single);
  const Batch first = draw(batches, 2, 0, 1);
  draw(batches, 2, 3, 0);
  CHECK(draw(batches, 2, 0, 1).input == first.input);
  CHECK(draw(batches, 2, 0, 1).target == first.target);
  CHECK(draw(again, 2, 0, 1).input == first.input);
  settings.seed = 10;
  StackBatches other(stacks, settings, pool);
  CHECK(draw(other, 2, 0, 1).input != first.input);

  // One plane visited in every epoch: its noise is another each time.
  std::set<float> residues;
  for (long epoch = 0; epoch < 6; ++epoch)
    for (long step = 0; step < batches.steps_per_epoch(); ++step) {
      const Batch batch = draw(batches, 2, epoch, step);
      for (int image = 0; image < settings.batch; ++image) {
        // The middle, since a shift leaves zeros behind at the edges.
        const float middle = batch.target[static_cast<std::size_t>(image) * kPixels + kPixels / 2 + kSide / 2];
        CHECK(residues.insert(middle - std::round(middle)).second);
      }
    }
}

TEST_CASE("simulated copies have independent noise of the asked-for strength") {
  BatchSettings settings = settings_for("noise2noise", 1, 8);
  settings.noise = GaussianNoise{5};
  settings.normalisation = {"range", 0.01, -0.5, -0.5, 0.5};  // noise is in the file's units and not clipped
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = Stack{8, kSide, kSide, std::vector<float>(std::size_t{8} * kPixels, 0.49F)};
  ThreadPool pool(2);
  StackBatches batches(stacks, settings, pool);
  Batch batch = draw(batches, 1, 0, 0);
  double power = 0;
  for (std::vector<float>* part : {&batch.input, &batch.target})
    for (float& v : *part) {
      v -= 0.49F;
      power += double{v} * double{v};
    }
  CHECK(std::sqrt(power / 16 / kPixels) == doctest::Approx(0.05).epsilon(0.05));
  CHECK(std::abs(correlation(batch.input, batch.target)) < 0.05);  // 8192 pixels: 4.5 standard deviations
}

TEST_CASE("methods and data that do not go together are refused with what to do") {
  const auto refused = [](const std::string& method, int planes, const std::vector<TrainingStack>& stacks) {
    return error_of([&] { check_method(settings_for(method, planes), stacks); });
  };
  CHECK(contains(refused("noise2noise", 3, two_copies(5)), "--planes must be 1"));
  CHECK(contains(refused("noise2clean", 4, two_copies(5)), "--planes must be 1, 3, 5"));
  CHECK(contains(refused("noise2stack", 3, one_copy(5)), "--target"));
  CHECK(contains(refused("noise2noise", 1, one_copy(5)), "--target"));
  CHECK(contains(refused("noise2clean", 1, one_copy(5)), "--target"));
  refused("noise2stack", 4, one_copy(1));
  std::vector<TrainingStack> unequal = two_copies(5);
  unequal[0].target = numbered_stack(4, 100);
  CHECK(contains(refused("noise2stack", 5, unequal), "differ in size"));
  CHECK_NOTHROW(check_method(settings_for("noise2noise", 1), two_copies(1)));

  std::vector<TrainingStack> nothing_left = one_copy(3);
  nothing_left[0].held_out = {0, 1, 2};
  ThreadPool pool(1);
  error_of([&] { StackBatches(nothing_left, settings_for("noise2stack", 2), pool); });
}

/// Planes that all differ, in memory or stored, partly on disk.
std::vector<TrainingStack> drawn_stacks(bool are_stored, bool have_targets) {
  std::vector<TrainingStack> stacks;
  VoxelMemory memory{std::size_t{5} * 75 * 90 * sizeof(float), std::filesystem::temp_directory_path()};
  std::uint32_t index = 0;
  const auto drawn = [&](int planes, int height, int width) {
    Stack stack{planes, height, width, {}};
    stack.voxels.resize(static_cast<std::size_t>(planes) * plane_pixels(stack));
    for (float& voxel : stack.voxels) voxel = random_uniform({3, Purpose::test, 0, 0, 0}, index++) - 0.5F;
    if (!are_stored) return StackPlanes(stack);
    const auto stored = std::make_shared<StoredPlanes>(StoredPlanes::Shape{planes, height, width}, Image{}, memory);
    for (int plane = 0; plane < planes; ++plane) stored->write(plane, plane_of(stack, plane));
    return StackPlanes(stored);
  };
  for (const auto& [planes, height, width] : {std::array{7, 75, 90}, {6, 64, 33}}) {
    TrainingStack stack{drawn(planes, height, width), std::nullopt, {2}, {}};
    if (have_targets) stack.target = drawn(planes, height, width);
    stacks.push_back(stack);
  }
  return stacks;
}

TEST_CASE("stored planes give the batches and validation sets that planes in memory give") {
  struct Case {
    const char* method;
    int planes;
    std::optional<NoiseSpec> noise;
    bool is_fixed, have_targets;
    Augmentation augmentation;
  };
  const Augmentation crops{kSide, kSide, 0, false, 0, true};
  const Augmentation shifts{96, 96, 20, true, 0, false};
  for (const Case& c : {Case{"noise2stack", 4, {}, false, false, crops},
                        {"noise2stack", 2, {}, false, false, shifts},
                        {"noise2stack", 4, GaussianNoise{0.1}, false, false, crops},
                        {"noise2stack", 5, KspaceNoise{0.3}, true, false, crops},
                        {"noise2noise", 1, {}, false, true, crops},
                        {"noise2clean", 3, GaussianNoise{0.1}, true, false, {40, 40, 50, false, 0.25F, true}}}) {
    BatchSettings settings = settings_for(c.method, c.planes);
    settings.augmentation = c.augmentation;
    std::vector<std::vector<float>> seen;
    for (const bool are_stored : {false, true}) {
      std::vector<TrainingStack> stacks = drawn_stacks(are_stored, c.have_targets);
      ThreadPool pool(2);
      settings.noise = c.noise;
      VoxelMemory on_disk{0, std::filesystem::temp_directory_path()};
      if (c.is_fixed) fix_noise(stacks, settings, pool, on_disk);
      StackBatches batches(stacks, settings, pool);
      const Extents e = batches.extents();
      const Shape input{e.batch, e.height, e.width, c.planes};
      const Shape target{e.batch, e.height, e.width, 1};
      std::vector<float> values;
      for (std::uint32_t step = 0; step < 6; ++step) {
        std::vector<float> inputs(static_cast<std::size_t>(input.elements()));
        std::vector<float> targets(static_cast<std::size_t>(target.elements()));
        batches.fill({step / 3, step % 3}, {inputs.data(), input}, {targets.data(), target});
        values.insert(values.end(), inputs.begin(), inputs.end());
        values.insert(values.end(), targets.begin(), targets.end());
      }
      const ValidationSet validation = make_validation_set(stacks, settings, 4, {20, 100});
      values.insert(values.end(), validation.inputs.begin(), validation.inputs.end());
      values.insert(values.end(), validation.targets.begin(), validation.targets.end());
      seen.push_back(std::move(values));
    }
    CAPTURE(c.method);
    CAPTURE(c.planes);
    CHECK(seen[0] == seen[1]);
  }
}
