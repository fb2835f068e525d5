// Cuts a plane into overlapping tiles so that a plane of any size can be restored in a given amount of memory, with
// the same result as without tiles.
#pragma once

#include <vector>

namespace n2s {

/// One tile along one axis. The network sees [begin, begin + size); of its output [keep_begin, keep_end) is kept.
/// All are pixels of the padded plane.
struct TileSpan {
  int begin = 0;
  int keep_begin = 0, keep_end = 0;
};

/// What the tiles have in common.
struct TileRule {
  int divisor = 1;  // of the network: tiles begin at multiples of it, so that pooling windows fall as without tiles
  int radius = 0;   // receptive radius of the network, pixels: nothing closer than this to an inner edge is kept
};

/// Smallest multiple of the divisor that is not less than `length`.
int padded_length(int length, int divisor);

/// Cuts [0, length) into tiles of `size` pixels; both are multiples of the divisor. One tile where size >= length.
/// Throws Error when the tile is too small to keep anything.
std::vector<TileSpan> tile_axis(int length, int size, const TileRule& rule);

}  // namespace n2s
