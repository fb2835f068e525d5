// The race check finds the mistakes of small kernels and a race in the convolutions for each barrier that is removed,
// and nothing in the kernels as they are. The access count is checked on a small kernel.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <utility>

#include "engine/cuda/cuda_memory.h"
#include "kernels/device/check.h"
#include "tests/memory_access/access_count.h"
#include "tests/memory_access/problems.h"
#include "tests/memory_access/race_check.h"
#include "tests/memory_access/short_name.h"
#include "tests/memory_access/small_kernels.h"
#include "tests/memory_access/watch.h"
#include "tools/benchmark/convolution_model.h"

namespace n2s::test {
namespace {

using emulation::AccessCount;
using emulation::RaceCheck;
using emulation::Watch;

/// The races of what `run` starts.
template <typename Run>
std::vector<std::string> races_of(const Run& run) {
  RaceCheck races;
  const Watch watch(&races, nullptr);
  run();
  device::check(cudaDeviceSynchronize(), "kernel");
  return races.races();
}

struct SmallKernel {
  const char* name;
  void (*run)(bool correct, float* out);
};

TEST_CASE("a missing barrier is found, and nothing where it is there") {
  const CudaArray<float> out = cuda_array<float>(64);
  for (const SmallKernel& kernel : {SmallKernel{"write_then_read", write_then_read},
                                    {"write_then_read_in_warp", write_then_read_in_warp},
                                    {"double_buffer", double_buffer},
                                    {"some_lanes", some_lanes},
                                    {"neighbouring_bytes", neighbouring_bytes}}) {
    CAPTURE(std::string(kernel.name));
    CHECK(races_of([&] { kernel.run(true, out.get()); }).empty());
    const std::vector<std::string> races = races_of([&] { kernel.run(false, out.get()); });
    REQUIRE(!races.empty());
    CAPTURE(races[0]);
    CHECK(races[0].starts_with(std::string(kernel.name) + "_kernel, block (0, 0, 0)"));
    CHECK(races[0].find("at small_kernels.cu:") != std::string::npos);
  }
}

TEST_CASE("a copy that is not waited for is found") {
  const CudaArray<float> memory = cuda_array<float>(128);
  CHECK(races_of([&] { wait_for_copy(true, memory.get(), memory.get() + 64); }).empty());
  const auto races = races_of([&] { wait_for_copy(false, memory.get(), memory.get() + 64); });
  REQUIRE(races.size() == 1);
  CHECK(races[0].find("before it has waited for the copy") != std::string::npos);
}

TEST_CASE("bank conflicts and sectors are counted") {
  const CudaArray<float> out = cuda_array<float>(32);
  for (const int stride : {1, 2, 4, 32, 33}) {
    CAPTURE(stride);
    AccessCount count;
    const Watch watch(nullptr, &count);
    read_apart(stride, out.get());
    device::check(cudaDeviceSynchronize(), "kernel");
    const auto lines = count.lines();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].shared);
    CHECK(lines[0].sums.ideal == 1);
    CHECK(lines[0].sums.cost == (stride == 33 ? 1 : stride));
    CHECK(!lines[1].shared);
    CHECK(lines[1].writes);
    CHECK(lines[1].sums.ideal == 4);
    CHECK(lines[1].sums.cost == 4);
    const auto blocks = count.block_sizes();
    REQUIRE(blocks.size() == 1);
    CHECK(blocks.begin()->second.threads == 32);
    CHECK(blocks.begin()->second.shared_bytes == sizeof(float) * 32 * 33);
  }
}

/// Wavefronts of the main loops: fragments that are loaded, and copies that arrive.
double main_loop_wavefronts(const Conv3x3Layer& layer, Pass pass, device::ConvVariant variant) {
  AccessCount count;
  const Watch watch(nullptr, &count);
  run_convolution(layer, {device::Precision::fp16, variant}, pass, Pooling::no);
  double sum = 0;
  for (const auto& line : count.lines()) {
    const bool counts = std::ranges::any_of(
        line.writes ? std::array{"async_copy.h", "source.cuh"} : std::array{"warp_matrix.h", "quad_pair_matrix.h"},
        [&](const char* file) { return line.place.find(file) != std::string::npos; });
    if (line.shared && counts) sum += static_cast<double>(line.sums.cost);
  }
  return sum;
}

TEST_CASE("the convolution model counts the wavefronts of shared memory that the kernels take") {
  struct Case {
    const char* gpu;
    Conv3x3Layer layer;
  };
  for (const auto& [name, layer] : {Case{"h100", {1, 32, 32, 0, 48, 48}}, Case{"h100", {1, 32, 64, 96, 48, 96}},
                                    Case{"h100", {1, 64, 32, 96, 5, 64}}, Case{"h100", {2, 32, 32, 0, 64, 32}},
                                    Case{"v100", {1, 64, 64, 0, 48, 48}}, Case{"v100", {1, 64, 32, 96, 5, 64}}})
    for (const Pass pass : kPasses) {
      ModelGpu gpu = find_model_gpu(name);
      device::check(cudaDeviceGetAttribute(&gpu.multiprocessors, cudaDevAttrMultiProcessorCount, 0), "device");
      const std::string work = fmt::format("{}: {}, {}+{}->{}", gpu.name, to_text(pass), layer.low_channels,
                                           layer.skip_channels, layer.out_channels);
      CAPTURE(work);
      double modelled = 0;
      for (const KernelCounts& kernel : count_kernels({layer, pass}, gpu))
        modelled += kernel.blocks * kernel.wavefronts;
      CHECK(modelled == doctest::Approx(main_loop_wavefronts(layer, pass, gpu.variant)).epsilon(0.06));
    }
}

/// Layers that make every convolution kernel go round its loops: three chunks of channels at least, two fragments.
Conv3x3Layer layer_for(Pass pass, int sources) {
  const int inputs = pass == Pass::forward ? 33 : 32;
  const int outputs = pass == Pass::data_gradient ? 33 : 32;
  return {1, sources == 2 ? 8 : 16, sources == 2 ? 32 : 16, sources == 2 ? inputs : 0, inputs, outputs};
}

/// Removes one barrier after the other.
void check_barriers(const NamedMode& mode, Pass pass, Pooling pooling, const Conv3x3Layer& layer) {
  RaceCheck races;
  const Watch watch(&races, nullptr);
  run_convolution(layer, mode.mode, pass, pooling);
  CHECK(!races.has_found());
  const std::vector<RaceCheck::Barrier> barriers = races.barriers();
  // Two stages of shared memory save the weight gradient the barrier after each band.
  const bool saves_one = pass == Pass::weight_gradient && mode.mode.variant == device::ConvVariant::mma;
  CHECK(barriers.size() >= (saves_one ? 2 : 3));
  std::set<std::pair<std::string, unsigned>> done;
  for (const RaceCheck::Barrier& barrier : barriers) {
    CAPTURE(emulation::short_kernel_name(barrier.kernel));
    const std::string where = fmt::format("{}:{}", barrier.file, barrier.line);
    CAPTURE(where);
    if (!done.emplace(barrier.file, barrier.line).second) continue;
    races.forget();
    races.skip_barrier(barrier.file, barrier.line);
    run_convolution(layer, mode.mode, pass, pooling);
    CHECK(races.has_found());
  }
}

TEST_CASE("every barrier of the convolutions is needed") {
  for (const NamedMode& mode : kConvModes)
    for (const Pass pass : kPasses)
      for (const Pooling pooling : {Pooling::no, Pooling::yes})
        for (const int sources : {1, 2}) {
          if (pooling == Pooling::yes && (pass == Pass::forward || sources == 2)) continue;  // no other barriers
          CAPTURE(std::string(mode.name));
          CAPTURE(to_text(pass));
          CAPTURE(sources);
          check_barriers(mode, pass, pooling, layer_for(pass, sources));
        }
}

TEST_CASE("convolutions wait for their copies") {
  for (const NamedMode& mode : kConvModes)
    for (const Pass pass : kPasses)
      for (const Pooling pooling : {Pooling::no, Pooling::yes}) {
        CAPTURE(std::string(mode.name));
        CAPTURE(to_text(pass));
        RaceCheck races;
        Watch watch(&races, nullptr);
        watch.ignore_waiting(true);
        run_convolution(layer_for(pass, 1), mode.mode, pass, pooling);
        CHECK(races.has_found());
      }
}

/// So many channels that the weight gradient is not split by pixels: a block goes through both patches.
constexpr Conv3x3Layer kSeveralPatches{1, 16, 16, 0, 385, 176};
/// The same for blocks of 16 input channels: some have two of three patches.
constexpr Conv3x3Layer kSeveralNarrowPatches{1, 8, 48, 0, 16, 176};

/// Reports each race.
void check_no_races(const RaceCheck& races) {
  for (const std::string& race : races.races()) FAIL_CHECK(race);
}

TEST_CASE("blocks of the weight gradient that have more than one patch do not race") {
  RaceCheck races;
  const Watch watch(&races, nullptr);
  for (const NamedMode& mode : kConvModes) {
    if (mode.mode.precision == device::Precision::bf16) continue;  // the same loops as fp16
    for (const Conv3x3Layer& layer : {kSeveralPatches, kSeveralNarrowPatches})
      run_convolution(layer, mode.mode, Pass::weight_gradient, Pooling::yes);
  }
  check_no_races(races);
}

TEST_CASE("no kernel races, on the layers of both networks") {
  RaceCheck races;
  const Watch watch(&races, nullptr);
  const std::vector<Conv3x3Layer> layers = network_layers(5, 8, 16);
  for (const NamedMode& mode : kConvModes)
    for (std::size_t i = 0; i < layers.size(); ++i)
      for (const Pass pass : kPasses) {
        const Conv3x3Layer& layer = layers[i];
        if (mode.mode.precision == device::Precision::bf16 && i % 3 != 0) continue;  // the same loops as fp16
        const bool pooled = layer.low_channels == 0 && layer.skip_channels >= 32;
        run_convolution(layer, mode.mode, pass, pooled ? Pooling::yes : Pooling::no);
      }
  for (const device::Precision precision : {device::Precision::fp32, device::Precision::fp16, device::Precision::bf16})
    run_others({2, 8, 12, 33}, precision);
  check_no_races(races);
}

}  // namespace
}  // namespace n2s::test
