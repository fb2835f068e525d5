// Tiles overlap by twice the halo; those at the edges of the plane keep what lies at the edge.
#include "engine/inference/tiling.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/base/error.h"

namespace n2s {

int padded_length(int length, int divisor) {
  return (length + divisor - 1) / divisor * divisor;
}

std::vector<TileSpan> tile_axis(int length, int size, const TileRule& rule) {
  if (size >= length) return {{0, 0, length}};
  const int halo = padded_length(rule.radius, rule.divisor);
  const int stride = size - 2 * halo;
  if (stride < rule.divisor)
    throw Error(fmt::format("tiles of {} pixels are too small for this network: it needs at least {}", size,
                            2 * halo + rule.divisor));
  std::vector<TileSpan> tiles;
  int kept = 0;
  while (kept < length) {
    const int begin = std::clamp(kept - halo, 0, length - size);
    const bool last = begin + size == length;
    const int end = last ? length : begin + size - halo;
    tiles.push_back({begin, kept, end});
    kept = end;
  }
  return tiles;
}

}  // namespace n2s
