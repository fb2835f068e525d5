// Stacks that stay on the GPU while they are restored: tiles are cut, put together and mapped back to voxel units
// there, with the same result as on the CPU.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/devices/device.h"
#include "engine/graph/fusion.h"
#include "engine/inference/inference.h"
#include "kernels/base/error.h"
#include "kernels/scatter_tiles/cuda.h"
#include "tests/cuda/device_memory.h"
#include "tests/cuda/tiny_nets.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

namespace n2s::test {
namespace {

constexpr float kUntouched = 77;

Stack drawn_stack(int planes, int height, int width) {
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  return {planes, height, width, random_values(static_cast<std::size_t>(planes) * pixels, 8)};
}

TEST_CASE("the valid parts of tiles are written as by the reference, and nothing else changes") {
  const Shape shape{3, 10, 36, 1};
  const std::vector<KeptTile> kept{{1, 0, 0, 0, 7, 0, 33}, {0, 4, 5, 6, 13, 9, 40}, {1, 8, 12, 9, 9, 12, 40}};
  const int height = 13, width = 40;
  const std::vector<float> drawn = random_values(static_cast<std::size_t>(shape.elements()), 4);
  for (const Precision precision : {Precision::fp32, Precision::fp16, Precision::bf16}) {
    std::vector<float> tiles = drawn;
    for (float& value : tiles) value = rounded(value, precision);
    const DeviceCopy on_device(shape, precision, tiles);
    const CudaArray<KeptTile> places = to_device(std::span<const KeptTile>(kept));
    for (const int count : {0, 1, 3}) {
      std::vector<float> expected(std::size_t{2} * 13 * 40, kUntouched);
      const CudaArray<float> planes = to_device(std::span<const float>(expected));
      scatter_tiles_reference({tiles.data(), shape}, std::span(kept).first(static_cast<std::size_t>(count)), expected,
                              height, width);
      device::scatter_tiles({on_device.tensor(), places.get(), count, planes.get(), height, width}, precision, nullptr);
      CHECK(to_host(planes.get(), expected.size()) == expected);
    }
  }
}

TEST_CASE("tiles of another size, or more of them than there are, are refused") {
  const DeviceCopy tiles({2, 4, 4, 1}, Precision::fp32);
  const DeviceCopy two_channels({2, 4, 4, 2}, Precision::fp32);
  CHECK_THROWS_AS(device::scatter_tiles({tiles.tensor(), nullptr, 3, nullptr, 4, 4}, Precision::fp32, nullptr), Error);
  CHECK_THROWS_AS(device::scatter_tiles({two_channels.tensor(), nullptr, 2, nullptr, 4, 4}, Precision::fp32, nullptr),
                  Error);
  CHECK_THROWS_AS(device::scatter_tiles({}, Precision::fp32, nullptr), Error);
}

/// Restores with a network whose parameters are drawn.
struct Restoration {
  explicit Restoration(int planes)
      : graph(fuse(tiny_mri_net(planes))), parameters(initial_parameters(graph.layers, 3)) {}

  std::vector<float> run(const Device& device, const Stack& noisy, const InferenceOptions& options) const {
    ParameterMemory memory(*device.backend, graph.layers, false);
    memory.upload(ParameterMemory::Part::values, parameters);
    return restore_stack(*device.inference, {&graph, 20}, memory, noisy, options).voxels;
  }

  Graph graph;
  std::vector<float> parameters;
};

/// Of camera counts.
Normalisation camera() {
  Normalisation normalisation;
  normalisation.scale = 1 / 613.7;
  normalisation.offset = -0.1234;
  normalisation.clip_high = 0.9;  // some voxels are above
  return normalisation;
}

TEST_CASE("stacks are restored on the GPU as on the CPU, whole and in tiles") {
  Stack noisy = drawn_stack(kSanitized ? 3 : 5, 49, 18);
  for (float& voxel : noisy.voxels) voxel = 400 + 300 * voxel;
  const Restoration restoration(4);
  const Device cpu = open_cpu({.threads = 1});
  InferenceOptions options;
  options.normalisation = camera();
  const std::vector<float> expected = restoration.run(cpu, noisy, options);
  const Device gpu = open_cuda({});
  for (const int tile : {0, 44}) {
    options.tile = tile;
    const std::vector<float> found = restoration.run(gpu, noisy, options);
    double largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      largest = std::max(largest, std::abs(double{found[i]} - double{expected[i]}));
    CHECK(largest < 1e-5 * 613.7);
  }
}

TEST_CASE("a stack that does not fit into memory is restored in parts") {
  const int planes = kSanitized ? 5 : 9;
  const Stack noisy = drawn_stack(planes, 16, 20);
  const Restoration restoration(2);
  const Device gpu = open_cuda({});
  for (const int gap : {0, 1}) {
    InferenceOptions options;
    options.gap = gap;
    options.tile = 44;
    std::vector<long> progress;
    options.progress = [&](long done, long total) {
      CHECK(total == planes);
      progress.push_back(done);
    };
    const std::vector<float> expected = restoration.run(gpu, noisy, options);
    CHECK(progress.back() == planes);
    // One plane at a time; and three, with their neighbours: 3 + 3 + 2 (1 + gap) planes of 1280 bytes.
    for (const std::size_t limit : {std::size_t{1}, static_cast<std::size_t>(8 + 2 * gap) * 1280 + 100}) {
      options.memory_limit = limit;
      progress.clear();
      CHECK(restoration.run(gpu, noisy, options) == expected);
      CHECK(progress.size() > 1);
      CHECK(std::is_sorted(progress.begin(), progress.end()));
      CHECK(progress.back() == planes);
    }
  }
}

}  // namespace
}  // namespace n2s::test
