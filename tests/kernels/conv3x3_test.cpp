// The fast 3x3 convolutions against the reference in double precision: every variant, pass and source combination.
#include <doctest/doctest.h>

#include <array>
#include <memory>

#include <fmt/format.h>
#include <hwy/targets.h>

#include "kernels/conv3x3/cpu/cpu.h"
#include "tests/kernels/conv3x3_cases.h"
#include "tests/sanitized.h"

namespace n2s::test {
namespace {

constexpr std::array kVariants{CpuConvVariant::winograd, CpuConvVariant::direct, CpuConvVariant::automatic,
                               CpuConvVariant::bf16};

std::string text(const Conv3x3Layer& l) {
  return fmt::format("{}x{}x{}, {} + {} -> {}", l.batch, l.height, l.width, l.low_channels, l.skip_channels,
                     l.out_channels);
}

// Winograd's output transform weighs positions by up to 64, so its error is 5 times a direct convolution's (median NMSE
// 5e-13) and the mean over a handful of values scatters. bfloat16 has 8 bits, and noise, which
// these images are, is the worst case for Winograd's transforms.
bool agrees(TensorPair& found, const TensorPair& expected, Values values, CpuConvVariant variant) {
  const double error = nmse(found.single.span(), expected.exact);
  CHECK(found.single.intact());
  if (variant == CpuConvVariant::bf16) return error <= (expected.exact.size() < 256 ? 1e-2 : 2e-3);
  if (values != Values::random) return error == 0;
  return error <= (expected.exact.size() < 256 ? 1e-10 : 1e-11);
}

// The same call with different numbers of threads must give the same bits.
struct Pools {
  ThreadPool one{1}, two{2}, three{3};
};

// Sanitizers make the double-precision reference slow; what they look for shows in fewer layers.
constexpr unsigned kEach = kSanitized ? 3 : 1;

// Every layer (or each n-th) as a random and as an exact problem, options by coin. Draw makes the same problem again
// and again.
template <typename Check>
void for_each_problem(const Check& check, unsigned each = kEach) {
  unsigned seed = 1;
  for (const Conv3x3Layer& layer : all_layers())
    for (const bool exact : {false, true}) {
      if (seed % each != 0 && ++seed) continue;
      CAPTURE(text(layer));
      CAPTURE(exact);
      check(layer, exact, Draw(++seed));
    }
}

// Runs check(variant, pool, one) for all variants; `pool` has 2 threads or 3.
template <typename Check>
void for_each_variant(const Check& check) {
  static Pools pools;
  static bool three = false;
  for (const CpuConvVariant variant : kVariants) {
    CAPTURE(static_cast<int>(variant));
    three = !three;
    check(variant, three ? pools.three : pools.two, pools.one);
  }
}

struct Source {
  Source(const Conv3x3Layer& l, Draw& draw, Values values)
      : low(draw.pair(half(l, l.low_channels), values)), skip(draw.pair(full(l, l.skip_channels), values)) {}
  ConvSource single() { return {low.tensor(), skip.tensor()}; }
  ConvSource exact() { return {low.reference(), skip.reference()}; }
  TensorPair low, skip;
};

struct Gradients {
  Gradients(const Conv3x3Layer& l, Draw& draw, Values values) {
    const int parts = is_even(l) ? draw.below(3) : 0;
    if (parts != 1) dense = draw.pair(full(l, l.out_channels), values);
    if (parts == 0) return;
    pooled = draw.pair(half(l, l.out_channels), values);
    argmax = draw.choices(half(l, l.out_channels));
  }
  Tensor<const std::uint8_t> where() { return {pooled.shape.channels > 0 ? argmax.data() : nullptr, pooled.shape}; }
  ConvOutputGradient single() { return {dense.tensor(), pooled.tensor(), where()}; }
  ConvOutputGradient exact() { return {dense.reference(), pooled.reference(), where()}; }
  TensorPair dense, pooled;
  Guarded<std::uint8_t> argmax;
};

// Memory of NaNs, of which nothing outside may be touched: neither packed nor scratch memory needs initialisation.
Guarded<float> guarded_nans(std::size_t bytes) {
  Guarded<float> memory(bytes / sizeof(float));
  for (float& v : memory.span()) v = std::numeric_limits<float>::quiet_NaN();
  return memory;
}

// Gives the problem scratch memory, and packed weights where `weight` is not null; runs it; looks at the guards.
template <typename Problem, typename Run>
void run_guarded(const Conv3x3Layer& layer, ConvPass pass, CpuConvVariant variant, const float* weight, Problem problem,
                 ThreadPool& pool, const Run& run) {
  const ConvBytes bytes = conv3x3_bytes_cpu(layer, pass, variant, pool.threads());
  Guarded<float> packed = guarded_nans(bytes.packed);
  Guarded<float> scratch = guarded_nans(bytes.scratch);
  if constexpr (requires { problem.packed; }) {
    conv3x3_pack_cpu({layer, pass, weight, std::as_writable_bytes(packed.span())}, variant, pool);
    problem.packed = std::as_bytes(packed.span());
  }
  problem.scratch = std::as_writable_bytes(scratch.span());
  run(problem, variant, pool);
  CHECK(packed.intact());
  CHECK(scratch.intact());
}

struct ForwardPair {
  ForwardPair(const Conv3x3Layer& l, Draw draw, bool exact)
      : source(l, draw, exact ? Values::integers : Values::random),
        weight(draw.pair({l.out_channels, 3, 3, l.low_channels + l.skip_channels},
                         exact ? Values::integers576 : Values::random)),
        bias(draw.pair({1, 1, 1, draw.flip() ? l.out_channels : 0}, exact ? Values::integers : Values::random)),
        residual(draw.pair(full(l, draw.flip() ? 3 : 0), exact ? Values::integers : Values::random)) {
    const int outputs = is_even(l) ? draw.below(3) : 0;
    out = poisoned(full(l, outputs != 1 ? l.out_channels : 0));
    pooled = poisoned(half(l, outputs != 0 ? l.out_channels : 0));
    wants_argmax = outputs != 0 && draw.flip();
    argmax = draw.choices(pooled.shape);
    expected_argmax = draw.choices(pooled.shape);
    slope = draw.flip() ? 0.5F : 0.0F;
  }
  Conv3x3Forward single() {
    return {source.single(), nullptr,           bias.tensor().data,
            slope,           residual.tensor(), 1,
            out.tensor(),    pooled.tensor(),   {wants_argmax ? argmax.data() : nullptr, pooled.shape}};
  }
  Conv3x3Forward exact() {
    return {source.exact(),  weight.exact.data(),  bias.reference().data,
            slope,           residual.reference(), 1,
            out.reference(), pooled.reference(),   {wants_argmax ? expected_argmax.data() : nullptr, pooled.shape}};
  }
  Source source;
  TensorPair weight, bias, residual, out, pooled;
  Guarded<std::uint8_t> argmax, expected_argmax;
  bool wants_argmax = false;
  float slope = 0;
};

void run_forward(const Conv3x3Layer& layer, CpuConvVariant variant, ForwardPair& pair, ThreadPool& pool) {
  run_guarded(layer, ConvPass::forward, variant, pair.weight.single.data(), pair.single(), pool, conv3x3_forward_cpu);
}

bool same_bits(TensorPair& a, TensorPair& b) {
  return a.single.size() == 0 || std::memcmp(a.single.data(), b.single.data(), a.single.size() * sizeof(float)) == 0;
}

void check_forward(const Conv3x3Layer& layer, bool exact, const Draw& draw) {
  const Values values = exact ? Values::integers : Values::random;
  ForwardPair expected(layer, draw, exact);
  conv3x3_forward_reference(expected.exact());
  for_each_variant([&](CpuConvVariant variant, ThreadPool& pool, ThreadPool& one) {
    ForwardPair found(layer, draw, exact), serial(layer, draw, exact);
    run_forward(layer, variant, found, pool);
    CHECK(agrees(found.out, expected.out, values, variant));
    CHECK(agrees(found.pooled, expected.pooled, values, variant));
    CHECK(found.argmax.intact());
    const bool is_exact = exact && variant != CpuConvVariant::bf16;
    for (std::size_t i = 0; is_exact && found.wants_argmax && i < found.argmax.size(); ++i)
      REQUIRE(found.argmax.data()[i] == expected.expected_argmax.data()[i]);
    run_forward(layer, variant, serial, one);
    CHECK(same_bits(found.out, serial.out));
    CHECK(same_bits(found.pooled, serial.pooled));
  });
}

TEST_CASE("forward passes agree with the reference") {
  for_each_problem(check_forward);
}

struct DataGradientPair {
  DataGradientPair(const Conv3x3Layer& l, Draw draw, bool exact) : layer(l) {
    const Values values = exact ? Values::integers : Values::random;
    output_gradient = std::make_unique<Gradients>(l, draw, values);
    weight = draw.pair({l.out_channels, 3, 3, l.low_channels + l.skip_channels},
                       exact ? Values::integers576 : Values::random);
    const int wanted = l.low_channels > 0 && l.skip_channels > 0 ? draw.below(3) : 2;
    accumulate = draw.flip();
    slope = draw.flip() ? 0.5F : 0.0F;
    const Shape low_shape = half(l, wanted != 0 ? l.low_channels : 0);
    const Shape skip_shape = full(l, wanted != 1 ? l.skip_channels : 0);
    low = accumulate ? draw.pair(low_shape, values) : poisoned(low_shape);
    skip = accumulate ? draw.pair(skip_shape, values) : poisoned(skip_shape);
    const bool masked = draw.flip();
    low_activated = draw.pair(half(l, masked ? l.low_channels : 0), values);
    skip_activated = draw.pair(full(l, masked ? l.skip_channels : 0), values);
  }
  Conv3x3DataGradient single() {
    return {output_gradient->single(),
            nullptr,
            layer.low_channels,
            layer.skip_channels,
            {low.tensor(), low_activated.tensor(), slope, accumulate},
            {skip.tensor(), skip_activated.tensor(), slope, accumulate}};
  }
  Conv3x3DataGradient exact() {
    return {output_gradient->exact(),
            weight.exact.data(),
            layer.low_channels,
            layer.skip_channels,
            {low.reference(), low_activated.reference(), slope, accumulate},
            {skip.reference(), skip_activated.reference(), slope, accumulate}};
  }
  Conv3x3Layer layer;
  std::unique_ptr<Gradients> output_gradient;
  TensorPair weight, low, skip, low_activated, skip_activated;
  bool accumulate = false;
  float slope = 0;
};

void run_data_gradient(const Conv3x3Layer& layer, CpuConvVariant variant, DataGradientPair& pair, ThreadPool& pool) {
  run_guarded(layer, ConvPass::data_gradient, variant, pair.weight.single.data(), pair.single(), pool,
              conv3x3_data_gradient_cpu);
}

void check_data_gradient(const Conv3x3Layer& layer, bool exact, const Draw& draw) {
  const Values values = exact ? Values::integers : Values::random;
  DataGradientPair expected(layer, draw, exact);
  conv3x3_data_gradient_reference(expected.exact());
  for_each_variant([&](CpuConvVariant variant, ThreadPool& pool, ThreadPool& one) {
    DataGradientPair found(layer, draw, exact), serial(layer, draw, exact);
    run_data_gradient(layer, variant, found, pool);
    CHECK(agrees(found.low, expected.low, values, variant));
    CHECK(agrees(found.skip, expected.skip, values, variant));
    run_data_gradient(layer, variant, serial, one);
    CHECK(same_bits(found.low, serial.low));
    CHECK(same_bits(found.skip, serial.skip));
  });
}

TEST_CASE("data gradients agree with the reference") {
  for_each_problem(check_data_gradient);
}

struct WeightGradientPair {
  WeightGradientPair(const Conv3x3Layer& l, Draw draw, bool exact)
      : source(l, draw, exact ? Values::integers : Values::random),
        output_gradient(l, draw, exact ? Values::integers576 : Values::random),
        weight(poisoned({l.out_channels, 3, 3, l.low_channels + l.skip_channels})),
        bias(poisoned({1, 1, 1, draw.flip() ? l.out_channels : 0})) {}
  Conv3x3WeightGradient single() {
    return {source.single(), output_gradient.single(), weight.single.data(), bias.tensor().data};
  }
  Conv3x3WeightGradient exact() {
    return {source.exact(), output_gradient.exact(), weight.exact.data(), bias.reference().data};
  }
  Source source;
  Gradients output_gradient;
  TensorPair weight, bias;
};

void run_weight_gradient(const Conv3x3Layer& layer, CpuConvVariant variant, WeightGradientPair& pair,
                         ThreadPool& pool) {
  run_guarded(layer, ConvPass::weight_gradient, variant, nullptr, pair.single(), pool, conv3x3_weight_gradient_cpu);
}

void check_weight_gradient(const Conv3x3Layer& layer, bool exact, const Draw& draw) {
  const Values values = exact ? Values::integers : Values::random;
  WeightGradientPair expected(layer, draw, exact);
  conv3x3_weight_gradient_reference(expected.exact());
  for_each_variant([&](CpuConvVariant variant, ThreadPool& pool, ThreadPool& one) {
    WeightGradientPair found(layer, draw, exact), serial(layer, draw, exact);
    run_weight_gradient(layer, variant, found, pool);
    CHECK(agrees(found.weight, expected.weight, values, variant));
    CHECK(agrees(found.bias, expected.bias, values, variant));
    run_weight_gradient(layer, variant, serial, one);
    CHECK(same_bits(found.weight, serial.weight));
    CHECK(same_bits(found.bias, serial.bias));
  });
}

TEST_CASE("weight gradients agree with the reference") {
  for_each_problem(check_weight_gradient);
}

// The instruction sets below the best one of this CPU, with which the other tests run.
TEST_CASE("every instruction set agrees with the reference") {
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const std::int64_t target = rest & -rest;
    CAPTURE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    for_each_problem(check_forward, 29);
    for_each_problem(check_data_gradient, 31);
    for_each_problem(check_weight_gradient, 37);
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace
}  // namespace n2s::test
