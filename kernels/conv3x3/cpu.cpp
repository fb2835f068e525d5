// The fast 3x3 convolution on the CPU: checks the problem, picks a variant and hands over to it.
#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/direct.h"
#include "kernels/conv3x3/winograd.h"

namespace n2s {
namespace {

enum class Pass { forward, data_gradient, weight_gradient };

/// The rule behind `automatic`, from measurements (bench/conv3x3_bench): Winograd's transforms cost the same for one
/// channel as for sixteen, so the direct variant is ahead where there are fewer than five inputs (forward only: the
/// gradients have more to read than to multiply) or one output.
bool uses_winograd(const Conv3x3Layer& layer, Conv3x3Variant variant, Pass pass) {
  if (variant != Conv3x3Variant::automatic) return variant == Conv3x3Variant::winograd;
  if (pass != Pass::data_gradient && direct::is_dot_product(layer)) return false;
  return pass != Pass::forward || layer.low_channels + layer.skip_channels > 4;
}

std::size_t as_size(std::ptrdiff_t floats) {
  return static_cast<std::size_t>(floats);
}

void check_threads(int threads) {
  if (threads < 1) throw Error("conv3x3: the number of threads must be positive");
}

}  // namespace

std::size_t conv3x3_forward_packed_size(const Conv3x3Layer& layer, Conv3x3Variant variant) {
  check_layer(layer);
  if (uses_winograd(layer, variant, Pass::forward)) return winograd::ForwardPlan(layer, 1).weights.size();
  return as_size(direct::ForwardPlan(layer).packed());
}

std::size_t conv3x3_data_gradient_packed_size(const Conv3x3Layer& layer, Conv3x3Variant variant) {
  check_layer(layer);
  if (!uses_winograd(layer, variant, Pass::data_gradient)) return as_size(direct::DataGradientPlan(layer).packed);
  const winograd::DataGradientPlan plan(layer, 1);
  return plan.low_weights.size() + plan.skip_weights.size();
}

void conv3x3_forward_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                          std::span<float> packed, ThreadPool& pool) {
  check_memory("packed", packed.data(), packed.size(), conv3x3_forward_packed_size(layer, variant));
  const bool winograd = uses_winograd(layer, variant, Pass::forward);
  (winograd ? winograd::forward_pack : direct::forward_pack)(layer, weight, packed.data(), pool);
}

void conv3x3_data_gradient_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                                std::span<float> packed, ThreadPool& pool) {
  check_memory("packed", packed.data(), packed.size(), conv3x3_data_gradient_packed_size(layer, variant));
  const bool winograd = uses_winograd(layer, variant, Pass::data_gradient);
  (winograd ? winograd::data_gradient_pack : direct::data_gradient_pack)(layer, weight, packed.data(), pool);
}

std::size_t conv3x3_forward_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads) {
  check_layer(layer);
  check_threads(threads);
  const bool winograd = uses_winograd(layer, variant, Pass::forward);
  return as_size(threads *
                 (winograd ? winograd::ForwardPlan(layer, threads).per_thread : direct::ForwardPlan(layer).per_thread));
}

std::size_t conv3x3_data_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads) {
  check_layer(layer);
  check_threads(threads);
  const bool winograd = uses_winograd(layer, variant, Pass::data_gradient);
  return as_size(threads * (winograd ? winograd::DataGradientPlan(layer, threads).per_thread
                                     : direct::DataGradientPlan(layer).per_thread));
}

std::size_t conv3x3_weight_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant variant, int threads) {
  check_layer(layer);
  check_threads(threads);
  const auto size = [threads](const auto& plan) {
    return as_size(plan.per_thread * threads + plan.per_slice * plan.slices);
  };
  return uses_winograd(layer, variant, Pass::weight_gradient) ? size(winograd::WeightGradientPlan(layer))
                                                              : size(direct::WeightGradientPlan(layer));
}

void conv3x3_forward_cpu(const Conv3x3Forward<float>& problem, Conv3x3Variant variant, std::span<const float> packed,
                         std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("packed", packed.data(), packed.size(), conv3x3_forward_packed_size(layer, variant));
  check_memory("scratch", scratch.data(), scratch.size(), conv3x3_forward_scratch_size(layer, variant, pool.threads()));
  const bool winograd = uses_winograd(layer, variant, Pass::forward);
  (winograd ? winograd::forward : direct::forward)(layer, problem, packed.data(), scratch.data(), pool);
}

void conv3x3_data_gradient_cpu(const Conv3x3DataGradient<float>& problem, Conv3x3Variant variant,
                               std::span<const float> packed, std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("packed", packed.data(), packed.size(), conv3x3_data_gradient_packed_size(layer, variant));
  check_memory("scratch", scratch.data(), scratch.size(),
               conv3x3_data_gradient_scratch_size(layer, variant, pool.threads()));
  const bool winograd = uses_winograd(layer, variant, Pass::data_gradient);
  (winograd ? winograd::data_gradient : direct::data_gradient)(layer, problem, packed.data(), scratch.data(), pool);
}

void conv3x3_weight_gradient_cpu(const Conv3x3WeightGradient<float>& problem, Conv3x3Variant variant,
                                 std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("scratch", scratch.data(), scratch.size(),
               conv3x3_weight_gradient_scratch_size(layer, variant, pool.threads()));
  const bool winograd = uses_winograd(layer, variant, Pass::weight_gradient);
  (winograd ? winograd::weight_gradient : direct::weight_gradient)(layer, problem, scratch.data(), pool);
}

}  // namespace n2s
