// The end of tiled inference: writes the valid part of each tile into the restored planes.
#pragma once

#include <span>

#include "kernels/base/tensor.h"

namespace n2s {

/// Where a tile lies in its plane, and its valid part: rows [keep_top, keep_bottom) and columns [keep_left, keep_right)
/// of the plane, all within the tile and within the plane. All are pixels.
struct KeptTile {
  int plane = 0;
  int top = 0, left = 0;
  int keep_top = 0, keep_bottom = 0;
  int keep_left = 0, keep_right = 0;
};

/// plane(kept.plane, y, x) = tiles(n, y - kept.top, x - kept.left, 0) for the valid part; other pixels stay as they
/// are. `planes` holds planes of height * width pixels, one after the other.
void scatter_tile(ConstFloatTensor tiles, int n, const KeptTile& kept, float* planes, int height, int width);

/// The same for tiles 0, 1, … of a batch, as many as `kept` has, found by searching a tile for each pixel: for tests.
void scatter_tiles_reference(ConstFloatTensor tiles, std::span<const KeptTile> kept, std::span<float> planes,
                             int height, int width);

}  // namespace n2s
