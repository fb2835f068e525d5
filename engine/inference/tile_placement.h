// Describes a tile to the gather and scatter kernels: where it lies in the plane, its halo, and the part that is kept.
#pragma once

#include <algorithm>

#include "engine/inference/stack_tiles.h"
#include "kernels/gather_planes/window.h"
#include "kernels/scatter_tiles/scatter_tiles.h"

namespace n2s {

/// A window of the tiles' size, not varied.
inline Augmentation tile_window(const Extents& extents) {
  Augmentation window;
  window.crop_height = extents.height;
  window.crop_width = extents.width;
  return window;
}

inline SampleDraw tile_draw(const Tile& tile) {
  SampleDraw draw;
  draw.top = tile.y.begin;
  draw.left = tile.x.begin;
  return draw;
}

/// Among restored planes that begin with `first_plane`; the padding of the plane is dropped.
inline KeptTile kept_tile(const Tile& tile, int first_plane, const Stack& stack) {
  return {tile.plane - first_plane,
          tile.y.begin,
          tile.x.begin,
          tile.y.keep_begin,
          std::min(tile.y.keep_end, stack.height),
          tile.x.keep_begin,
          std::min(tile.x.keep_end, stack.width)};
}

}  // namespace n2s
