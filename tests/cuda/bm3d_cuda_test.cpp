// Block matching, BM3D and non-local means on a GPU against the CPU: the same blocks, and the same values.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"
#include "kernels/base/simd.h"
#include "kernels/block_matching/cuda.h"
#include "kernels/bm3d/cuda.h"
#include "kernels/nlm/cuda.h"
#include "tests/cuda/device_memory.h"
#include "tests/kernels/scene.h"

namespace n2s::test {
namespace {

TEST_CASE("a GPU finds the blocks that the CPU finds") {
  for (const PlaneSize size : {PlaneSize{8, 8}, {9, 41}, {31, 20}})
    for (const BlockSearch search : {BlockSearch{8, 3, 19, 16, 9}, {8, 3, 7, 32, 30}, {8, 4, 3, 1, 1e9F}}) {
      const SlackPlane plane(random_values(size.pixels(), 5), size);
      const std::vector<Shift> order = search_order(search.reach);
      const int rows = reference_count(size.height, search.block, search.step);
      const auto references = static_cast<std::size_t>(reference_count(size.width, search.block, search.step));
      const auto most = static_cast<std::size_t>(search.most);
      const CudaArray<float> pixels = to_device(std::span<const float>(plane.values));
      const CudaArray<Shift> shifts = to_device(std::span<const Shift>(order));
      const std::size_t all = references * static_cast<std::size_t>(rows);
      const CudaArray<int> counts = cuda_array<int>(all);
      const CudaArray<std::uint16_t> members = cuda_array<std::uint16_t>(all * most);
      device::match_blocks({{pixels.get(), size.height, size.width, size.width},
                            search,
                            shifts.get(),
                            0,
                            rows,
                            counts.get(),
                            members.get()},
                           nullptr);
      const std::vector<int> found_counts = to_host(counts.get(), all);
      const std::vector<std::uint16_t> found = to_host(members.get(), all * most);
      BlockGroups expected;
      std::vector<float> scratch;
      for (int row = 0; row < rows; ++row) {
        match_blocks(plane.view, search, order, row, expected, scratch);
        for (std::size_t i = 0; i < references; ++i) {
          const std::size_t at = static_cast<std::size_t>(row) * references + i;
          REQUIRE(found_counts[at] == expected.counts[i]);
          for (std::size_t j = 0; j < static_cast<std::size_t>(expected.counts[i]); ++j)
            REQUIRE(found[at * most + j] == expected.members[i * most + j]);
        }
      }
    }
}

struct UploadedStage {
  explicit UploadedStage(Bm3dStageSetup parts)
      : setup(std::move(parts)),
        tables(cuda_array<std::byte>(device::bm3d_table_bytes(setup))),
        stage(device::upload_bm3d_stage(setup, tables.get(), nullptr)) {}
  Bm3dStageSetup setup;
  CudaArray<std::byte> tables;
  device::DeviceBm3dStage stage;
};

TEST_CASE("BM3D on a GPU is within 1e-4 of the range of the CPU's, and equal where the CPU has fused multiply-add") {
  const bool is_fused = simd_name().starts_with("AVX");
  for (const PlaneSize size : {PlaneSize{8, 8}, {34, 27}}) {
    const std::vector<float> noisy = with_noise(scene(size), 15, 3);
    Bm3dProblem problem{.height = size.height, .width = size.width, .sigma = 15};
    problem.threshold.reach = problem.wiener.reach = 8;
    ThreadPool pool(2);
    std::vector<float> expected(noisy.size());
    bm3d(problem, noisy, expected, pool);

    const Bm3dScaling scaling = bm3d_scaling(problem, noisy);
    std::vector<float> scaled;
    scaled.reserve(noisy.size());
    for (const float value : noisy) scaled.push_back(scaling.forward(value));
    const CudaArray<float> plane = to_device(std::span<const float>(scaled));
    const CudaArray<float> estimate = cuda_array<float>(noisy.size());
    const CudaArray<std::byte> scratch = cuda_array<std::byte>(device::bm3d_scratch_bytes(size.height, size.width));
    const UploadedStage threshold(threshold_setup(problem, scaling.scale));
    const UploadedStage wiener(wiener_setup(problem, scaling.scale));
    device::bm3d_stage(
        {threshold.stage, size.height, size.width, plane.get(), plane.get(), estimate.get(), scratch.get()}, nullptr);
    device::bm3d_stage(
        {wiener.stage, size.height, size.width, plane.get(), estimate.get(), estimate.get(), scratch.get()}, nullptr);
    const std::vector<float> restored = to_host(estimate.get(), noisy.size());
    for (std::size_t i = 0; i < noisy.size(); ++i)
      REQUIRE(std::abs(scaling.back(restored[i]) - expected[i]) <=
              (is_fused ? 0 : 1e-4F * 2 * static_cast<float>(scaling.half)));
  }
}

TEST_CASE("planes that are smaller than a block, and searches that do not fit, are refused") {
  const std::vector<float> values(64, 1);
  const CudaArray<float> plane = to_device(std::span<const float>(values));
  CHECK_THROWS_AS(device::bm3d_stage({{}, 7, 9, plane.get(), plane.get(), nullptr, nullptr}, nullptr), Error);
  CHECK_THROWS_AS(
      device::match_blocks({{plane.get(), 8, 8, 8}, {8, 3, 2, 33, 1}, nullptr, 0, 1, nullptr, nullptr}, nullptr),
      Error);
}

TEST_CASE("non-local means on a GPU equals the CPU's") {
  for (const NlmProblem& problem : {NlmProblem{2, 9, 33, 5, 4, false, 9, 10}, {4, 8, 18, 3, 2, true, 12, 0}}) {
    std::vector<float> noisy;
    for (int plane = 0; plane < problem.planes; ++plane) {
      const std::vector<float> one =
          with_noise(scene({problem.height, problem.width}), 10, 40 + static_cast<std::uint64_t>(plane));
      noisy.insert(noisy.end(), one.begin(), one.end());
    }
    ThreadPool pool(2);
    std::vector<float> expected(noisy.size());
    nlm(problem, noisy, expected, pool);
    const PaddedPlanes padded(problem, noisy);
    const CudaArray<float> planes = to_device(padded.values());
    const CudaArray<float> restored = cuda_array<float>(noisy.size());
    device::nlm({problem, planes.get(), padded.row_floats(), padded.plane_floats(), restored.get()}, nullptr);
    std::vector<float> found = to_host(restored.get(), noisy.size());
    padded.to_own_units(found);
    for (std::size_t i = 0; i < noisy.size(); ++i) REQUIRE(std::abs(found[i] - expected[i]) < 2e-3F);
  }
}

}  // namespace
}  // namespace n2s::test
