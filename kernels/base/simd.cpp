// Asks Highway for the best instruction set.
#include "kernels/base/simd.h"

#include <hwy/targets.h>

namespace n2s {

std::string simd_name() {
  const auto supported = hwy::SupportedTargets();
  return hwy::TargetName(supported & -supported);  // better targets have lower bits
}

}  // namespace n2s
