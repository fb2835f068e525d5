// Non-local means by definition: every pair of patches on its own.
#include <algorithm>
#include <cmath>

#include "kernels/base/reflect.h"
#include "kernels/nlm/nlm.h"

namespace n2s {

void nlm_reference(const NlmProblem& p, std::span<const float> noisy, std::span<double> restored) {
  const auto at = [&](int plane, int y, int x) {
    const std::ptrdiff_t row = std::ptrdiff_t{reflect(plane, p.planes)} * p.height + reflect(y, p.height);
    return double{noisy[static_cast<std::size_t>(row * p.width + reflect(x, p.width))]};
  };
  const int half = p.patch / 2, planes = p.across ? p.distance : 0;
  const double pixels = std::pow(p.patch, p.across ? 3 : 2);
  const auto similarity = [&](int plane, int y, int x, int dz, int dy, int dx) {
    double sum = 0;
    for (int z = p.across ? 1 - half : 0; z <= (p.across ? half : 0); ++z)
      for (int i = 1 - half; i <= half; ++i)
        for (int j = 1 - half; j <= half; ++j)
          sum += std::pow(at(plane + z, y + i, x + j) - at(plane + z + dz, y + i + dy, x + j + dx), 2) -
                 2 * p.sigma * p.sigma;
    const double distance = std::max(sum, 0.0) / (p.h * p.h * pixels);
    return distance > double{kNlmCutOff} ? 0 : double{nlm_exponential(static_cast<float>(-distance))};
  };
  for (int plane = 0; plane < p.planes; ++plane)
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x) {
        double weights = 0;
        double values = 0;
        for (int dz = -planes; dz <= planes; ++dz)
          for (int dy = -p.distance; dy <= p.distance; ++dy)
            for (int dx = -p.distance; dx <= p.distance; ++dx) {
              const double weight = similarity(plane, y, x, dz, dy, dx);
              weights += weight;
              values += weight * at(plane + dz, y + dy, x + dx);
            }
        restored[static_cast<std::size_t>((std::ptrdiff_t{plane} * p.height + y) * p.width + x)] = values / weights;
      }
}

}  // namespace n2s
