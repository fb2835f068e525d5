// Non-local means on a GPU: one pixel of the result per thread; neighbouring threads compare overlapping patches, which
// come from the cache.
#include "kernels/device/launch.h"
#include "kernels/nlm/cuda.h"

namespace n2s::device {
namespace {

constexpr int kBlockWidth = 32;
constexpr int kBlockHeight = 8;

__device__ float summed_difference(const DeviceNlm& p, const float* a, const float* b, int window, int planes) {
  float sum = 0;
  for (int z = 0; z < planes; ++z)
    for (int y = 0; y < window; ++y)
      for (int x = 0; x < window; ++x) {
        const std::ptrdiff_t at = z * p.plane + y * p.row + x;
        const float difference = a[at] - b[at];
        sum += difference * difference;
      }
  return sum;
}

__global__ void nlm_kernel(const DeviceNlm p, const NlmWeights weighting) {
  const NlmProblem& problem = p.problem;
  const auto x = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const auto y = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  const auto plane = static_cast<std::ptrdiff_t>(blockIdx.z);
  if (x >= problem.width || y >= problem.height) return;
  const int reach = problem.distance, planes = problem.across ? reach : 0;
  const int window = nlm_window(problem), first = 1 - problem.patch / 2;
  const int margin = reach + problem.patch / 2;
  const float* pixel = p.padded + (plane + nlm_reach(problem)) * p.plane + (y + margin) * p.row + x + margin;
  const float* corner = pixel + (problem.across ? first * p.plane : 0) + first * p.row + first;
  float weights = 0, values = 0;
  for (int dz = -planes; dz <= planes; ++dz)
    for (int dy = -reach; dy <= reach; ++dy)
      for (int dx = -reach; dx <= reach; ++dx) {
        const std::ptrdiff_t shift = dz * p.plane + dy * p.row + dx;
        const float sum = summed_difference(p, corner, corner + shift, window, problem.across ? window : 1);
        const float distance = fmaxf(sum - weighting.noise, 0.0F) * weighting.per_difference;
        if (distance > kNlmCutOff) continue;
        const float weight = nlm_exponential(-distance);
        weights += weight;
        values += weight * pixel[shift];
      }
  p.restored[(plane * problem.height + y) * problem.width + x] = values / weights;
}

}  // namespace

void nlm(const DeviceNlm& p, cudaStream_t stream) {
  LaunchShape shape;
  shape.block = dim3(kBlockWidth, kBlockHeight);
  shape.grid = dim3(blocks_for(static_cast<std::size_t>(p.problem.width), kBlockWidth),
                    blocks_for(static_cast<std::size_t>(p.problem.height), kBlockHeight),
                    static_cast<unsigned>(p.problem.planes));
  shape.stream = stream;
  launch("non-local means", nlm_kernel, shape, p, nlm_weights(p.problem));
}

}  // namespace n2s::device
