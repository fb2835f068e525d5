#include "kernels/cast/cuda.h"

#include <cstdint>

#include "kernels/base/sample_cast.h"
#include "kernels/device/grid.h"

namespace n2s::device {
namespace {

/// The product is rounded before the sum, as on the processor: a fused multiply-add would give other bits. NaN stays.
__global__ void normalise_kernel(const DeviceNormalise p) {
  const std::size_t i = grid_index();
  if (i >= p.count) return;
  double mapped = __dadd_rn(__dmul_rn(static_cast<double>(p.values[i]), p.scale), p.offset);
  if (mapped < p.clip_low) mapped = p.clip_low;
  if (mapped > p.clip_high) mapped = p.clip_high;
  p.values[i] = static_cast<float>(mapped);
}

/// Differences and quotients only: there is nothing that the compiler could contract to another result.
template <class T>
__global__ void cast_kernel(const DeviceCast p, T* samples) {
  const std::size_t i = grid_index();
  if (i >= p.count) return;
  const auto voxel = static_cast<float>((p.values[i] - p.offset) / p.scale);
  samples[i] = sample_of<T>((static_cast<double>(voxel) - p.intercept) / p.slope);
}

}  // namespace

void normalise(const DeviceNormalise& problem, cudaStream_t stream) {
  if (problem.count == 0) return;
  launch("normalisation", normalise_kernel, grid_for(problem.count, stream), problem);
}

template <class T>
void cast_samples(const DeviceCast& problem, T* samples, cudaStream_t stream) {
  if (problem.count == 0) return;
  launch("conversion to samples", cast_kernel<T>, grid_for(problem.count, stream), problem, samples);
}

template void cast_samples(const DeviceCast&, std::uint8_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::int8_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::uint16_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::int16_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::uint32_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::int32_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::uint64_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, std::int64_t*, cudaStream_t);
template void cast_samples(const DeviceCast&, float*, cudaStream_t);
template void cast_samples(const DeviceCast&, double*, cudaStream_t);

}  // namespace n2s::device
