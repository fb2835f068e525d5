// See bm3d_filter.h.
#include "tools/filters/bm3d_filter.h"

#include <cstddef>
#include <string>

#include "kernels/bm3d/bm3d.h"

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

/// For a camera's noise: in the units of the generalised Anscombe transform, where its deviation is 1.
void run_transformed(const CommonOptions& common, const Device& device, ThreadPool& pool, const Anscombe& transform,
                     const Stack& noisy, std::span<float> restored) {
  Stack transformed = noisy;
  for (float& value : transformed.voxels) value = transform.forward(value);
  run_bm3d(common, device, pool, 1, transformed, restored);
  for (float& value : restored) value = transform.inverse(value);
}

}  // namespace

StackFilter bm3d_filter(const StackNoise& noise, const CommonOptions& common, const Device& device, ThreadPool& pool) {
  if (!noise.is_poisson)
    return {0, [&, sigma = noise.sigma](const Stack& noisy, std::span<float> restored) {
              run_bm3d(common, device, pool, sigma, noisy, restored);
            }};
  return {0, [&, transform = Anscombe(noise.camera)](const Stack& noisy, std::span<float> restored) {
            run_transformed(common, device, pool, transform, noisy, restored);
          }};
}

}  // namespace n2s
