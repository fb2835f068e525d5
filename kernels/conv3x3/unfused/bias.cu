// The bias gradient beside a library, in two passes: partial sums of ranges of pixels, then their sum in a fixed order.
#include <algorithm>

#include "kernels/conv3x3/unfused/unfused.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device::unfused {
namespace {

/// The bias gradient's first pass: each block sums one range of pixels for at most 32 groups of channels.
struct BiasSplit {
  std::size_t pixels = 0, split_pixels = 0;
  unsigned splits = 0;
  int groups = 0;  // of eight channels

  std::size_t elements() const { return static_cast<std::size_t>(splits) * static_cast<std::size_t>(groups) * 8; }
};
constexpr int kBlockGroups = 32;

BiasSplit bias_split(const Conv3x3Layer& l) {
  const Shape shape{l.batch, l.height, l.width, l.out_channels};
  const auto pixels = static_cast<std::size_t>(shape.pixels());
  constexpr std::size_t kFewestPixels = 512;
  constexpr std::size_t kMostSplits = 512;
  BiasSplit s;
  s.pixels = pixels;
  s.split_pixels = std::max(kFewestPixels, (pixels + kMostSplits - 1) / kMostSplits);
  s.splits = static_cast<unsigned>((pixels + s.split_pixels - 1) / s.split_pixels);
  s.groups = padded_channels(l.out_channels) / 8;
  return s;
}

template <typename T>
__global__ void bias_kernel(BiasSplit s, const T* output_gradient, float* sums) {
  auto* shared = shared_memory<float>();
  const int first_group = static_cast<int>(blockIdx.y) * kBlockGroups;
  const int groups = min(kBlockGroups, s.groups - first_group);
  const int rows = static_cast<int>(kGridThreads) / groups;  // pixels that are read at a time
  const int row = static_cast<int>(threadIdx.x) / groups;
  const int group = static_cast<int>(threadIdx.x) % groups;
  float sum[8] = {};
  if (row < rows) {
    const std::size_t first = blockIdx.x * s.split_pixels;
    const std::size_t end = first + s.split_pixels < s.pixels ? first + s.split_pixels : s.pixels;
    for (std::size_t pixel = first + row; pixel < end; pixel += rows) {
      float v[8];
      load8(output_gradient + (pixel * s.groups + first_group + group) * 8, v);
#pragma unroll
      for (int c = 0; c < 8; ++c) sum[c] += v[c];
    }
  }
#pragma unroll
  for (int c = 0; c < 8; ++c) shared[c * kGridThreads + threadIdx.x] = sum[c];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) >= 8 * groups) return;
  const int channel = static_cast<int>(threadIdx.x) / groups;
  float total = 0;
  for (int r = 0; r < rows; ++r) total += shared[channel * kGridThreads + r * groups + group];
  sums[(static_cast<std::size_t>(blockIdx.x) * s.groups + first_group + group) * 8 + channel] = total;
}

__global__ void reduce_bias_kernel(BiasSplit s, const float* sums, float* gradient, std::size_t channels) {
  const std::size_t channel = grid_index();
  if (channel >= channels) return;
  float sum = 0;
  for (unsigned split = 0; split < s.splits; ++split)
    sum += sums[static_cast<std::size_t>(split) * s.groups * 8 + channel];
  gradient[channel] = sum;
}

}  // namespace

std::size_t bias_scratch_bytes(const Conv3x3Layer& l) {
  return bias_split(l).elements() * sizeof(float);
}

void bias_gradient(const void* output_gradient, const Conv3x3Layer& l, Precision precision, float* scratch,
                   float* gradient, cudaStream_t stream) {
  const BiasSplit s = bias_split(l);
  const auto channels = static_cast<std::size_t>(l.out_channels);
  LaunchShape shape;
  shape.grid = dim3(s.splits, blocks_for(static_cast<std::size_t>(s.groups), kBlockGroups));
  shape.block = dim3(kGridThreads);
  shape.shared_bytes = std::size_t{8} * kGridThreads * sizeof(float);
  shape.stream = stream;
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("bias gradient", bias_kernel<T>, shape, s, static_cast<const T*>(output_gradient), scratch);
  });
  launch("bias gradient", reduce_bias_kernel, grid_for(channels, stream), s, static_cast<const float*>(scratch),
         gradient, channels);
}

}  // namespace n2s::device::unfused
