// Restoring a stack: tiles give what the whole plane gives, and no plane is restored from itself.
#include "engine/inference/inference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/graph/fusion.h"
#include "engine/graph/receptive_field.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

using namespace n2s;
using test::kSanitized;

namespace {

/// Of a plane, in pixels.
struct Sides {
  int height, width;
};

struct Setup {
  Setup(const std::string& network, int planes)
      : fused(fuse(find_network(network).build(planes))),
        radius(receptive_radius(fused)),
        memory(backend, fused.layers, false) {
    memory.upload(ParameterMemory::Part::values, initial_parameters(fused.layers, 5));
  }

  Stack restore(const Stack& noisy, int tile = 0, int gap = 0) {
    InferenceOptions options;
    options.tile = tile;
    options.gap = gap;
    // A figure that any machine has, since a plane that does not fit would be tiled unasked.
    options.memory_limit = std::size_t{2} << 30;
    return restore_stack(device, {&fused, radius}, memory, noisy, options);
  }

  CpuBackend backend;
  InferenceDevice device{backend};
  Graph fused;
  int radius;  // receptive, pixels
  ParameterMemory memory;
};

Stack random_stack(int planes, int height, int width) {
  const auto count =
      static_cast<std::size_t>(planes) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  return {planes, height, width, test::random_values(count, 17)};
}

/// Largest difference as a share of the first stack's range.
double relative_difference(const Stack& a, const Stack& b) {
  REQUIRE(a.voxels.size() == b.voxels.size());
  const auto [low, high] = std::minmax_element(a.voxels.begin(), a.voxels.end());
  double largest = 0;
  for (std::size_t i = 0; i < a.voxels.size(); ++i)
    largest = std::max(largest, std::abs(double{a.voxels[i]} - double{b.voxels[i]}));
  return largest / (double{*high} - double{*low});
}

bool same_plane(const Stack& a, const Stack& b, int plane) {
  const auto pixels = static_cast<std::ptrdiff_t>(a.height) * a.width;
  return std::equal(a.voxels.begin() + plane * pixels, a.voxels.begin() + (plane + 1) * pixels,
                    b.voxels.begin() + plane * pixels);
}

/// Changes each plane in turn and lists, for each, the planes of the output that change with it.
void check_blind(const std::string& network, int planes, int gap, const Stack& noisy) {
  CAPTURE(planes);
  CAPTURE(gap);
  Setup setup(network, planes);
  const Stack restored = setup.restore(noisy, 0, gap);
  const auto pixels = static_cast<std::size_t>(noisy.height) * static_cast<std::size_t>(noisy.width);
  for (int plane = 0; plane < noisy.planes; ++plane) {
    CAPTURE(plane);
    Stack changed = noisy;
    const auto first = static_cast<std::size_t>(plane) * pixels;
    for (std::size_t i = first; i < first + pixels; ++i) changed.voxels[i] = 3 - 2 * changed.voxels[i];
    const Stack again = setup.restore(changed, 0, gap);
    int others = 0;
    for (int output = 0; output < noisy.planes; ++output) {
      const int distance = std::abs(output - plane);
      if (distance == 0)
        CHECK(same_plane(restored, again, output));
      else
        others += same_plane(restored, again, output) ? 0 : 1;
      if (distance == gap + 1) CHECK_FALSE(same_plane(restored, again, output));
    }
    CHECK(others > 0);  // else the test would also pass with a net that ignores its input
  }
}

}  // namespace

TEST_CASE("tiled equals untiled: microscopy net") {
  for (const Sides& sides : {Sides{100, 140}, Sides{40, 150}}) {
    CAPTURE(sides.height);
    Setup setup("microscopy", 2);
    const Stack noisy = random_stack(3, sides.height, sides.width);
    InferenceOptions options;
    options.tile = 64;
    CHECK(plan_inference(setup.device, {&setup.fused, 24}, {3, sides.height, sides.width}, options).tiled);
    CHECK(relative_difference(setup.restore(noisy), setup.restore(noisy, 64)) <= 1e-5);
  }
}

TEST_CASE("tiled equals untiled: MRI net") {
  Setup setup("mri", 2);
  for (const Sides& sides : {Sides{32, 736}, Sides{736, 32}}) {
    CAPTURE(sides.height);
    if (kSanitized && sides.height > sides.width) continue;
    const Stack noisy = random_stack(kSanitized ? 2 : 3, sides.height, sides.width);
    const Stack whole = setup.restore(noisy);
    CHECK(relative_difference(whole, setup.restore(noisy, 384)) <= 1e-5);
  }
}

TEST_CASE("the MRI net's receptive radius is as large as stated") {
  if (kSanitized) return;
  // With a halo that is too small the inner tiles' borders would differ: a step far above rounding.
  Setup setup("mri", 2);
  const Stack noisy = random_stack(3, 32, 736);
  const Stack whole = setup.restore(noisy);
  setup.radius = 64;
  CHECK(relative_difference(whole, setup.restore(noisy, 384)) > 1e-5);
}

TEST_CASE("planes of any size keep it, whatever the net divides them by") {
  for (const Sides& sides : {Sides{17, 23}, Sides{33, 64}, Sides{101, 31}, Sides{16, 16}}) {
    CAPTURE(sides.height);
    CAPTURE(sides.width);
    for (const Network& network : networks()) {
      Setup setup(network.name, 4);
      const Stack restored = setup.restore(random_stack(3, sides.height, sides.width));
      CHECK(restored.planes == 3);
      CHECK(restored.height == sides.height);
      CHECK(restored.width == sides.width);
      CHECK(restored.voxels.size() == static_cast<std::size_t>(3 * sides.height * sides.width));
      CHECK(std::all_of(restored.voxels.begin(), restored.voxels.end(), [](float v) { return std::isfinite(v); }));
    }
  }
}

TEST_CASE("odd sizes tiled equal untiled") {
  Setup setup("microscopy", 1);
  const Stack noisy = random_stack(2, 67, 131);
  CHECK(relative_difference(setup.restore(noisy), setup.restore(noisy, 60)) <= 1e-5);
}

TEST_CASE("self-supervised output i does not change when plane i of the input changes: MRI net") {
  const Stack noisy = random_stack(7, 32, 32);
  for (const int planes : {2, 4, 6})
    // Sanitizers make this slow, and which planes are read does not depend on them.
    for (const int gap : {0, 1})
      if (!kSanitized || (planes == 4 && gap == 0)) check_blind("mri", planes, gap, noisy);
}

TEST_CASE("self-supervised output i does not change when plane i of the input changes: microscopy net") {
  const Stack noisy = random_stack(9, 16, 16);
  for (const int planes : {2, 4, 6})
    for (const int gap : {0, 1})
      if (!kSanitized || planes == 4) check_blind("microscopy", planes, gap, noisy);
}

TEST_CASE("short stacks are blind to the target as well, and one plane is an error") {
  for (const int depth : {2, 3, 4}) {
    CAPTURE(depth);
    for (const int planes : {2, 4, 6})
      if (!kSanitized || planes == 4) check_blind("microscopy", planes, 0, random_stack(depth, 16, 16));
  }
  Setup setup("microscopy", 2);
  CHECK_THROWS_AS(setup.restore(random_stack(1, 16, 16)), Error);
}

TEST_CASE("an odd number of planes sees the target") {
  Setup setup("microscopy", 3);
  const Stack noisy = random_stack(4, 16, 16);
  Stack changed = noisy;
  for (std::size_t i = 0; i < std::size_t{16} * 16; ++i) changed.voxels[i] += 1;
  CHECK_FALSE(same_plane(setup.restore(noisy), setup.restore(changed), 0));
}

TEST_CASE("a memory limit makes tiles that keep to it, down to the smallest possible") {
  const Setup setup("microscopy", 2);
  const InferenceNetwork network{&setup.fused, 24};
  InferenceOptions options;
  options.memory_limit = std::size_t{64} << 20;
  const InferencePlan small = plan_inference(setup.device, network, {3, 2000, 3000}, options);
  CHECK(small.tiled);
  CHECK(small.arena_bytes <= options.memory_limit);
  options.memory_limit = 1;  // impossible: the smallest tile is the best there is
  CHECK(plan_inference(setup.device, network, {3, 2000, 3000}, options).extents.height == 52);
  options.memory_limit = std::size_t{16} << 30;
  CHECK_FALSE(plan_inference(setup.device, network, {3, 512, 512}, options).tiled);
}

TEST_CASE("progress ends with all planes") {
  Setup setup("microscopy", 2);
  const Stack noisy = random_stack(7, 60, 70);
  long last = 0;
  InferenceOptions options;
  options.tile = 64;
  options.progress = [&](long done, long total) {
    CHECK(done >= last);
    CHECK(total == 7);
    last = done;
  };
  restore_stack(setup.device, {&setup.fused, 24}, setup.memory, noisy, options);
  CHECK(last == 7);
}
