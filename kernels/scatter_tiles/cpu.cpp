// Scatters a tile on the CPU, row by row.
#include "kernels/scatter_tiles/scatter_tiles.h"

namespace n2s {

void scatter_tile(ConstFloatTensor tiles, int n, const KeptTile& kept, float* planes, int height, int width) {
  for (int y = kept.keep_top; y < kept.keep_bottom; ++y) {
    float* row = planes + (static_cast<std::ptrdiff_t>(kept.plane) * height + y) * width;
    for (int x = kept.keep_left; x < kept.keep_right; ++x) row[x] = *tiles.pixel(n, y - kept.top, x - kept.left);
  }
}

}  // namespace n2s
