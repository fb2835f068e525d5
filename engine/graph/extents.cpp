// Height and width halve with each level.
#include "engine/graph/extents.h"

namespace n2s {

Shape shape_of(const Value& value, const Extents& extents) {
  return {extents.batch, extents.height >> value.level, extents.width >> value.level, value.channels};
}

}  // namespace n2s
