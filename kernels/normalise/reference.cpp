// Normalisation by definition: what the tests compare the GPU with.
#include "kernels/normalise/reference.h"

#include <algorithm>

namespace n2s {

double normalise_reference(const NormaliseReference& map, double voxel) {
  return std::clamp(voxel * map.scale + map.offset, map.low, map.high);
}

double denormalise_reference(const NormaliseReference& map, double value) {
  return (value - map.offset) / map.scale;
}

}  // namespace n2s
