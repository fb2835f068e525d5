// Normalisation and its inverse on a GPU: one value per thread.
#include "kernels/normalise/cuda.h"

#include "kernels/device/grid.h"

namespace n2s::device {
namespace {

/// The product is rounded before the sum, as on the CPU: a fused multiply-add would give other bits.
__global__ void normalise_kernel(const DeviceNormalise p) {
  const std::size_t i = grid_index();
  if (i >= p.count) return;
  double mapped = __dadd_rn(__dmul_rn(static_cast<double>(p.values[i]), p.scale), p.offset);
  if (mapped < p.clip_low) mapped = p.clip_low;
  if (mapped > p.clip_high) mapped = p.clip_high;
  p.values[i] = static_cast<float>(mapped);
}

/// A difference and a quotient: there is no product and sum that the compiler could contract.
__global__ void denormalise_kernel(const DeviceDenormalise p) {
  const std::size_t i = grid_index();
  if (i < p.count) p.values[i] = static_cast<float>((p.values[i] - p.offset) / p.scale);
}

}  // namespace

void normalise(const DeviceNormalise& problem, cudaStream_t stream) {
  if (problem.count == 0) return;
  launch("normalisation", normalise_kernel, grid_for(problem.count, stream), problem);
}

void denormalise(const DeviceDenormalise& problem, cudaStream_t stream) {
  if (problem.count == 0) return;
  launch("inverse normalisation", denormalise_kernel, grid_for(problem.count, stream), problem);
}

}  // namespace n2s::device
