// Scattering tiles the other way round, as a gather: for each pixel of the planes, the tile that it is taken from. What
// the tests compare the CPU and the GPU with.
#include "kernels/scatter_tiles/scatter_tiles.h"

namespace n2s {

void scatter_tiles_reference(ConstFloatTensor tiles, std::span<const KeptTile> kept, std::span<float> planes,
                             int height, int width) {
  const int plane_count = static_cast<int>(planes.size()) / (height * width);
  for (int plane = 0; plane < plane_count; ++plane)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int n = 0; n < static_cast<int>(kept.size()); ++n) {
          const KeptTile& tile = kept[static_cast<std::size_t>(n)];
          const bool valid = tile.plane == plane && y >= tile.keep_top && y < tile.keep_bottom && x >= tile.keep_left &&
                             x < tile.keep_right;
          if (valid)
            planes[static_cast<std::size_t>((std::ptrdiff_t{plane} * height + y) * width + x)] =
                *tiles.pixel(n, y - tile.top, x - tile.left);
        }
}

}  // namespace n2s
