// What the convolution on the CPU must refuse, for every variant; the table of cases is shared with the GPU.
#include <doctest/doctest.h>

#include <memory>
#include <new>
#include <vector>

#include "kernels/conv3x3/cpu/cpu.h"
#include "tests/kernels/conv3x3_bad_cases.h"

namespace n2s::test {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Release {
  void operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }
};

TEST_CASE("the CPU refuses every wrong problem") {
  ThreadPool pool(2);
  std::set<std::size_t> done;
  for (const CpuConvVariant variant : {CpuConvVariant::direct, CpuConvVariant::winograd, CpuConvVariant::automatic}) {
    CAPTURE(static_cast<int>(variant));
    std::vector<std::unique_ptr<std::byte, Release>> memory;
    const ConvDevice device{
        Element::fp32,
        Element::index8,
        1,
        [&](std::size_t bytes) {
          memory.emplace_back(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
          std::fill_n(memory.back().get(), bytes, std::byte{0});
          return memory.back().get();
        },
        [&](const Conv3x3Layer& l, ConvPass pass) { return conv3x3_bytes_cpu(l, pass, variant, pool.threads()); },
        [&](const Conv3x3Layer& l, ConvPass pass, const float* weight, std::span<std::byte> packed) {
          conv3x3_pack_cpu({l, pass, weight, packed}, variant, pool);
        },
        [&](const Conv3x3Forward& p) { conv3x3_forward_cpu(p, variant, pool); },
        [&](const Conv3x3DataGradient& p) { conv3x3_data_gradient_cpu(p, variant, pool); },
        [&](const Conv3x3WeightGradient& p) { conv3x3_weight_gradient_cpu(p, variant, pool); }};
    check_bad_cases(device, done);
    check_bad_preparation(device);
  }
  CHECK(done.size() == std::size(kBadCases));
  CHECK_THROWS_AS(conv3x3_bytes_cpu(kCheckedLayer, ConvPass::forward, CpuConvVariant::direct, 0), Error);
}

}  // namespace
}  // namespace n2s::test
