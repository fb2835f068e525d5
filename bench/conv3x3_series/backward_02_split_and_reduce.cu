// The weight gradient, step 2: rows of pixels are split into slices; a block sums its slice in registers, for one tap
// and some channels, and writes the sum where nobody else writes. A second kernel adds the slices up in their order. No
// address is shared, and every run gives the same bits. The engine's kernels do the same with tensor cores.
#include "bench/conv3x3_series/series.h"
#include "kernels/device/grid.h"
#include "kernels/device/launch.h"

namespace n2s::series {
namespace {

constexpr int kInputs = 16, kOutputs = 16;  // of a block: a thread for each pair

__global__ void sum_slice(const WeightGradientProblem p) {
  const int c = static_cast<int>(blockIdx.x) * kInputs + static_cast<int>(threadIdx.y);
  const int o = static_cast<int>(blockIdx.y) * kOutputs + static_cast<int>(threadIdx.x);
  const int slice = static_cast<int>(blockIdx.z) / 9;
  const int tap = static_cast<int>(blockIdx.z) % 9;
  const int rows = p.images * p.height;
  float sum = 0;
  for (int row = rows * slice / kSlices; row < rows * (slice + 1) / kSlices; ++row) {
    const int y = row % p.height + tap / 3 - 1;
    if (y < 0 || y >= p.height) continue;
    const float* image = p.image + (row / p.height * p.height + y) * p.width * p.inputs + c;
    const float* gradient = p.output_gradient + row * p.width * p.outputs + o;
    for (int x = 0; x < p.width; ++x) {
      const int xx = x + tap % 3 - 1;
      if (xx >= 0 && xx < p.width) sum += image[xx * p.inputs] * gradient[x * p.outputs];
    }
  }
  p.scratch[((slice * 9 + tap) * p.inputs + c) * p.outputs + o] = sum;
}

__global__ void reduce(const float* slices, float* sums, std::size_t count) {
  const std::size_t i = device::grid_index();
  if (i >= count) return;
  float sum = 0;
  for (int slice = 0; slice < kSlices; ++slice) sum += slices[slice * count + i];
  sums[i] = sum;
}

}  // namespace

void split_and_reduce(const WeightGradientProblem& p, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(p.inputs / kInputs), static_cast<unsigned>(p.outputs / kOutputs), 9 * kSlices);
  device::launch("slices", sum_slice, {grid, dim3(kOutputs, kInputs), 0, stream}, p);
  const std::size_t weights = std::size_t{9} * p.inputs * p.outputs;
  device::launch("reduction", reduce, device::grid_for(weights, stream), static_cast<const float*>(p.scratch),
                 p.weight_gradient, weights);
}

}  // namespace n2s::series
