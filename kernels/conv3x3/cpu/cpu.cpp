// The 3x3 convolution on the CPU: checks the problem, picks a variant and hands over to it.
#include "kernels/conv3x3/cpu/cpu.h"

#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/cpu/direct.h"
#include "kernels/conv3x3/cpu/winograd.h"

namespace n2s {
namespace {

constexpr ConvStorage kStorage{Element::fp32, Element::index8, Element::fp32, 1, 64};

/// The rule behind `automatic`, from measurements (`n2s bench --op conv3x3`): Winograd's transforms cost the same for
/// one channel as for sixteen, so the direct variant is ahead where there are fewer than five inputs (forward only: the
/// gradients have more to read than to multiply) or one output.
bool uses_winograd(const Conv3x3Layer& layer, CpuConvVariant variant, ConvPass pass) {
  if (variant == CpuConvVariant::winograd || variant == CpuConvVariant::direct)
    return variant == CpuConvVariant::winograd;
  if (pass != ConvPass::data_gradient && direct::is_dot_product(layer)) return false;
  return pass != ConvPass::forward || layer.low_channels + layer.skip_channels > 4;
}

bool in_bf16(CpuConvVariant variant) {
  return variant == CpuConvVariant::bf16;
}

ConvBytes bytes(std::ptrdiff_t packed_floats, std::ptrdiff_t scratch_floats) {
  return {static_cast<std::size_t>(packed_floats) * sizeof(float),
          static_cast<std::size_t>(scratch_floats) * sizeof(float)};
}

ConvBytes winograd_bytes(const Conv3x3Layer& layer, ConvPass pass, bool bf16, int threads) {
  if (pass == ConvPass::forward) {
    const winograd::ForwardPlan plan(layer, threads, bf16);
    return bytes(packed_size(plan.weights, bf16), plan.per_thread * threads);
  }
  if (pass == ConvPass::data_gradient) {
    const winograd::DataGradientPlan plan(layer, threads, bf16);
    return bytes(packed_size(plan.low_weights, bf16) + packed_size(plan.skip_weights, bf16), plan.per_thread * threads);
  }
  const winograd::WeightGradientPlan plan(layer, bf16);
  return bytes(0, plan.per_thread * threads + plan.per_slice * plan.slices);
}

ConvBytes direct_bytes(const Conv3x3Layer& layer, ConvPass pass, int threads) {
  if (pass == ConvPass::forward) {
    const direct::ForwardPlan plan(layer);
    return bytes(plan.packed(), plan.per_thread * threads);
  }
  if (pass == ConvPass::data_gradient) {
    const direct::DataGradientPlan plan(layer);
    return bytes(plan.packed, plan.per_thread * threads);
  }
  const direct::WeightGradientPlan plan(layer);
  return bytes(0, plan.per_thread * threads + plan.per_slice * plan.slices);
}

/// Checks everything about the problem; what is left to do is to run it.
template <typename Problem>
Conv3x3Layer checked(const Problem& problem, ConvPass pass, CpuConvVariant variant, int threads) {
  const Conv3x3Layer layer = checked_layer(problem, kStorage);
  check_memory(problem, conv3x3_bytes_cpu(layer, pass, variant, threads), kStorage);
  return layer;
}

}  // namespace

ConvBytes conv3x3_bytes_cpu(const Conv3x3Layer& layer, ConvPass pass, CpuConvVariant variant, int threads) {
  check_layer(layer);
  if (threads < 1) throw Error("conv3x3: the number of threads must be positive");
  if (uses_winograd(layer, variant, pass)) return winograd_bytes(layer, pass, in_bf16(variant), threads);
  return direct_bytes(layer, pass, threads);
}

void conv3x3_pack_cpu(const ConvPacking& p, CpuConvVariant variant, ThreadPool& pool) {
  check_packing(p.weight, p.pass, p.packed, conv3x3_bytes_cpu(p.layer, p.pass, variant, pool.threads()), kStorage);
  const bool forward = p.pass == ConvPass::forward;
  auto* to = reinterpret_cast<float*>(p.packed.data());  // NOLINT: its alignment is checked
  if (uses_winograd(p.layer, variant, p.pass))
    (forward ? winograd::forward_pack : winograd::data_gradient_pack)(p.layer, p.weight, to, in_bf16(variant), pool);
  else
    (forward ? direct::forward_pack : direct::data_gradient_pack)(p.layer, p.weight, to, pool);
}

void conv3x3_forward_cpu(const Conv3x3Forward& problem, CpuConvVariant variant, ThreadPool& pool) {
  const Conv3x3Layer layer = checked(problem, ConvPass::forward, variant, pool.threads());
  if (uses_winograd(layer, variant, ConvPass::forward))
    return winograd::forward(layer, problem, in_bf16(variant), pool);
  direct::forward(layer, problem, pool);
}

void conv3x3_data_gradient_cpu(const Conv3x3DataGradient& problem, CpuConvVariant variant, ThreadPool& pool) {
  const Conv3x3Layer layer = checked(problem, ConvPass::data_gradient, variant, pool.threads());
  if (uses_winograd(layer, variant, ConvPass::data_gradient))
    return winograd::data_gradient(layer, problem, in_bf16(variant), pool);
  direct::data_gradient(layer, problem, pool);
}

void conv3x3_weight_gradient_cpu(const Conv3x3WeightGradient& problem, CpuConvVariant variant, ThreadPool& pool) {
  const Conv3x3Layer layer = checked(problem, ConvPass::weight_gradient, variant, pool.threads());
  if (uses_winograd(layer, variant, ConvPass::weight_gradient))
    return winograd::weight_gradient(layer, problem, in_bf16(variant), pool);
  direct::weight_gradient(layer, problem, pool);
}

}  // namespace n2s
