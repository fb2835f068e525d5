// Activation and pooling in passes of their own: each reads and writes the whole output once more.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/grid.h"
#include "kernels/device/launch.h"

namespace n2s::series {
namespace {

__global__ void activate(float* values, std::size_t count, float slope) {
  const std::size_t i = device::grid_index();
  if (i < count && values[i] < 0) values[i] *= slope;
}

__global__ void pool(const Problem p) {
  const std::size_t i = device::grid_index();  // of `pooled`
  const std::size_t row = static_cast<std::size_t>(p.width / 2) * static_cast<std::size_t>(p.outputs);
  const std::size_t count = static_cast<std::size_t>(p.images) * static_cast<std::size_t>(p.height / 2) * row;
  if (i >= count) return;
  const std::size_t y = i / row;  // over all images
  const std::size_t x = i % row / static_cast<std::size_t>(p.outputs);
  const std::size_t c = i % static_cast<std::size_t>(p.outputs);
  const float* window = p.out + ((2 * y * static_cast<std::size_t>(p.width)) + 2 * x) * p.outputs + c;
  const float* below = window + static_cast<std::size_t>(p.width) * p.outputs;
  p.pooled[i] = fmaxf(fmaxf(window[0], window[p.outputs]), fmaxf(below[0], below[p.outputs]));
}

}  // namespace

void activate_and_pool(const Problem& p, cudaStream_t stream) {
  const std::size_t count = static_cast<std::size_t>(p.images) * p.height * p.width * p.outputs;
  device::launch("activation", activate, device::grid_for(count, stream), p.out, count, p.slope);
  device::launch("pooling", pool, device::grid_for(count / 4, stream), p);
}

}  // namespace n2s::series
