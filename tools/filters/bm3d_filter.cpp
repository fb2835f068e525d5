// See bm3d_filter.h.
#include "tools/filters/bm3d_filter.h"

#include <cstddef>
#include <string>
#include <utility>

#include "kernels/bm3d/bm3d.h"
#include "tools/filters/anscombe_filter.h"

namespace n2s {
namespace {

/// On the device, or, where it cannot, on the CPU, with a note.
void run_bm3d(const CommonOptions& common, const Device& device, ThreadPool& pool, double sigma, const Stack& noisy,
              std::span<float> restored) {
  const Bm3dProblem problem{.height = noisy.height, .width = noisy.width, .sigma = sigma};
  std::string why;
  if (device.inference->filter(problem, {noisy.voxels, restored, why})) return;
  if (!why.empty()) say(common, "BM3D: computed on the CPU: {}", why);
  const std::size_t pixels = plane_pixels(noisy);
  for (int plane = 0; plane < noisy.planes; ++plane)
    bm3d(problem, plane_of(noisy, plane), restored.subspan(static_cast<std::size_t>(plane) * pixels, pixels), pool);
}

}  // namespace

StackFilter bm3d_filter(const StackNoise& noise, const CommonOptions& common, const Device& device, ThreadPool& pool) {
  const double sigma = noise.is_poisson ? 1 : noise.sigma;
  StackFilter filter{0, [&, sigma](const Stack& noisy, std::span<float> restored) {
                       run_bm3d(common, device, pool, sigma, noisy, restored);
                     }};
  return noise.is_poisson ? anscombe_filter(noise.camera, std::move(filter)) : filter;
}

}  // namespace n2s
