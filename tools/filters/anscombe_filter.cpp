// See anscombe_filter.h.
#include "tools/filters/anscombe_filter.h"

#include <span>
#include <utility>

namespace n2s {

StackFilter anscombe_filter(const PoissonGaussian& noise, StackFilter filter) {
  return {filter.reach,
          [transform = Anscombe(noise), inner = std::move(filter.run)](const Stack& noisy, std::span<float> restored) {
            Stack transformed = noisy;
            for (float& value : transformed.voxels) value = transform.forward(value);
            inner(transformed, restored);
            for (float& value : restored) value = transform.inverse(value);
          }};
}

}  // namespace n2s
