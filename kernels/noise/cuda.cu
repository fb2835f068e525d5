#include "kernels/noise/cuda.h"

#include "kernels/device/grid.h"

namespace n2s::device {
namespace {

__global__ void noise_kernel(const DeviceNoise p) {
  const std::size_t pixel = grid_index();
  if (pixel >= p.pixels) return;
  const std::size_t i = blockIdx.y * p.pixels + pixel;
  p.noisy[i] = with_noise(p.noise, p.units, p.clean[i], p.keys[blockIdx.y], static_cast<std::uint32_t>(pixel));
}

}  // namespace

void add_noise(const DeviceNoise& problem, cudaStream_t stream) {
  if (problem.planes == 0 || problem.pixels == 0) return;
  LaunchShape shape = grid_for(problem.pixels, stream);
  shape.grid.y = static_cast<unsigned>(problem.planes);
  launch("noise", noise_kernel, shape, problem);
}

}  // namespace n2s::device
