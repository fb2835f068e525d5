// The fast 3x3 convolution on the CPU: checks the problem, picks a variant and hands over to it.
#include <fmt/format.h>

#include "kernels/base/error.h"
#include "kernels/conv3x3/check.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/winograd.h"

namespace n2s {
namespace {

std::size_t as_size(std::ptrdiff_t floats) {
  return static_cast<std::size_t>(floats);
}

}  // namespace

std::size_t conv3x3_forward_packed_size(const Conv3x3Layer& layer, Conv3x3Variant) {
  check_layer(layer);
  return winograd::ForwardPlan(layer, 1).weights.size();
}

std::size_t conv3x3_data_gradient_packed_size(const Conv3x3Layer& layer, Conv3x3Variant) {
  check_layer(layer);
  const winograd::DataGradientPlan plan(layer, 1);
  return plan.low_weights.size() + plan.skip_weights.size();
}

void conv3x3_forward_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                          std::span<float> packed, ThreadPool& pool) {
  check_memory("packed", packed.data(), packed.size(), conv3x3_forward_packed_size(layer, variant));
  winograd::forward_pack(layer, weight, packed.data(), pool);
}

void conv3x3_data_gradient_pack(const Conv3x3Layer& layer, Conv3x3Variant variant, const float* weight,
                                std::span<float> packed, ThreadPool& pool) {
  check_memory("packed", packed.data(), packed.size(), conv3x3_data_gradient_packed_size(layer, variant));
  winograd::data_gradient_pack(layer, weight, packed.data(), pool);
}

std::size_t conv3x3_forward_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant, int threads) {
  check_layer(layer);
  return as_size(winograd::ForwardPlan(layer, threads).per_thread * threads);
}

std::size_t conv3x3_data_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant, int threads) {
  check_layer(layer);
  return as_size(winograd::DataGradientPlan(layer, threads).per_thread * threads);
}

std::size_t conv3x3_weight_gradient_scratch_size(const Conv3x3Layer& layer, Conv3x3Variant, int threads) {
  check_layer(layer);
  const winograd::WeightGradientPlan plan(layer);
  return as_size(plan.per_thread * threads + plan.per_slice * plan.slices);
}

void conv3x3_forward_cpu(const Conv3x3Forward<float>& problem, Conv3x3Variant variant, std::span<const float> packed,
                         std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("packed", packed.data(), packed.size(), conv3x3_forward_packed_size(layer, variant));
  check_memory("scratch", scratch.data(), scratch.size(), conv3x3_forward_scratch_size(layer, variant, pool.threads()));
  winograd::forward(layer, problem, packed.data(), scratch.data(), pool);
}

void conv3x3_data_gradient_cpu(const Conv3x3DataGradient<float>& problem, Conv3x3Variant variant,
                               std::span<const float> packed, std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("packed", packed.data(), packed.size(), conv3x3_data_gradient_packed_size(layer, variant));
  check_memory("scratch", scratch.data(), scratch.size(),
               conv3x3_data_gradient_scratch_size(layer, variant, pool.threads()));
  winograd::data_gradient(layer, problem, packed.data(), scratch.data(), pool);
}

void conv3x3_weight_gradient_cpu(const Conv3x3WeightGradient<float>& problem, Conv3x3Variant variant,
                                 std::span<float> scratch, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(problem);
  check_memory("scratch", scratch.data(), scratch.size(),
               conv3x3_weight_gradient_scratch_size(layer, variant, pool.threads()));
  winograd::weight_gradient(layer, problem, scratch.data(), pool);
}

}  // namespace n2s
