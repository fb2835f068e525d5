// What the convolution on the GPU must refuse, for every variant; the table of cases is shared with the CPU.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <set>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "kernels/conv3x3/cuda/cuda.h"
#include "kernels/conv3x3/cuda/libraries.h"
#include "kernels/conv3x3/cuda/weight_slices.h"
#include "kernels/device/check.h"
#include "tests/kernels/conv3x3_bad_cases.h"

namespace n2s::test {
namespace {

using device::ConvMode;
using device::ConvVariant;
using device::Precision;

TEST_CASE("the GPU refuses every wrong problem") {
  std::set<std::size_t> done;
  for (ConvMode mode :
       {ConvMode{Precision::fp32, ConvVariant::simt}, ConvMode{Precision::fp16, ConvVariant::wmma},
        ConvMode{Precision::fp16, ConvVariant::mma}, ConvMode{Precision::tf32, ConvVariant::mma},
        ConvMode{Precision::fp16, ConvVariant::cudnn}, ConvMode{Precision::fp16, ConvVariant::cublas}}) {
    CAPTURE(static_cast<int>(mode.variant));
    if (!device::has_library_of(mode.variant)) continue;
    const device::ConvLibraries libraries(mode);
    std::vector<CudaArray<std::byte>> memory;
    const ConvDevice device{
        device::element_of(mode.precision),
        Element::index2,
        device::kChannelMultiple,
        [&](std::size_t bytes) {
          memory.push_back(cuda_array<std::byte>(bytes));
          device::check(cudaMemset(memory.back().get(), 0, bytes), "zeros");
          return memory.back().get();
        },
        [&](const Conv3x3Layer& l, ConvPass pass) { return device::conv3x3_bytes(l, pass, mode); },
        [&](const Conv3x3Layer& l, ConvPass pass, const float* weight, std::span<std::byte> packed) {
          device::conv3x3_pack(std::array{ConvPacking{l, pass, weight, packed}}, mode, nullptr);
        },
        [&](const Conv3x3Forward& p) { device::conv3x3_forward(p, mode, nullptr); },
        [&](const Conv3x3DataGradient& p) { device::conv3x3_data_gradient(p, mode, nullptr); },
        [&](const Conv3x3WeightGradient& p) { device::conv3x3_weight_gradient(p, mode, nullptr); }};
    check_bad_cases(device, done);
    check_bad_preparation(device);
    device::check(cudaDeviceSynchronize(), "convolutions");
  }
  // Forward passes and data gradients need scratch memory with libraries alone.
  if (device::has_cudnn()) CHECK(done.size() == std::size(kBadCases));
}

TEST_CASE("a variant runs in the precisions and on the GPUs that it has kernels for") {
  using device::can_run;
  CHECK(can_run(ConvVariant::simt, Precision::fp32, 70));
  CHECK(!can_run(ConvVariant::simt, Precision::fp16, 90));
  CHECK(can_run(ConvVariant::wmma, Precision::fp16, 70));
  CHECK(!can_run(ConvVariant::wmma, Precision::bf16, 90));
  CHECK(can_run(ConvVariant::mma, Precision::tf32, 80));
  CHECK(!can_run(ConvVariant::mma, Precision::tf32, 75));
  CHECK(!can_run(ConvVariant::mma, Precision::fp32, 90));
  CHECK(can_run(ConvVariant::cudnn, Precision::fp32, 70));
  CHECK(!can_run(ConvVariant::cudnn, Precision::bf16, 75));
  CHECK(device::default_variant(Precision::fp32, 90, 90) == ConvVariant::simt);
  CHECK(can_run(ConvVariant::mma_sm70, Precision::fp16, 70));
  CHECK(!can_run(ConvVariant::mma_sm70, Precision::fp16, 90));
  CHECK(device::default_variant(Precision::fp16, 70, 70) == ConvVariant::mma_sm70);
  CHECK(device::default_variant(Precision::fp16, 70, 90) == ConvVariant::wmma);
  CHECK(device::default_variant(Precision::fp16, 75, 75) == ConvVariant::wmma);
  CHECK(device::default_variant(Precision::fp16, 80, 80) == ConvVariant::mma);
  CHECK_THROWS_WITH_AS(device::default_variant(Precision::bf16, 75, 75), doctest::Contains("--precision fp16 or fp32"),
                       Error);
  const ConvMode none{Precision::bf16, ConvVariant::wmma};
  CHECK_THROWS_WITH_AS(device::conv3x3_bytes(kCheckedLayer, ConvPass::forward, none),
                       doctest::Contains("the wmma variant does not compute in bf16"), Error);
}

TEST_CASE("slices of a weight gradient fill whole waves, and are not smaller than a wave needs") {
  for (const int slots : {160, 216, 264}) {  // V100, A100, H100
    for (const int tiles : {1, 2, 6, 9}) {
      const int blocks = device::weight_slices(8192, tiles, slots) * tiles;
      const int waves = (blocks + slots - 1) / slots;
      CHECK(blocks > 0.94 * slots * waves);
    }
    CHECK(device::weight_slices(3, 2, slots) <= 3);
    CHECK(device::weight_slices(1, 1000, slots) == 1);
  }
  CHECK(device::weight_slices(60, 1, 20) == 20);  // one wave of three patches each, not three waves of one
}

TEST_CASE("blocks of 16 input channels are for what is left of 32, where there is work enough") {
  const auto tiles = [](int channels, int patches) {
    const device::InputTiles found = device::input_tiles(channels, patches, 160);
    return std::array{found.wide, found.narrow};
  };
  CHECK(tiles(5, 1) == std::array{0, 5});
  CHECK(tiles(16, 1) == std::array{0, 16});
  CHECK(tiles(17, 10000) == std::array{17, 0});
  CHECK(tiles(48, 639) == std::array{48, 0});
  CHECK(tiles(48, 640) == std::array{32, 16});
  CHECK(tiles(96, 10000) == std::array{96, 0});
  CHECK(tiles(101, 10000) == std::array{96, 5});
}

}  // namespace
}  // namespace n2s::test
