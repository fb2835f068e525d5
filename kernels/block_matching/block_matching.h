// Block matching: for blocks of a plane, the most similar blocks near them (Dabov et al. 2007, "Image denoising by
// sparse 3-D transform-domain collaborative filtering"). BM3D filters the blocks that are found together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace n2s {

/// A view of a plane with rows `stride` floats apart. At least kPlaneSlack floats beyond its last pixel can be read.
struct PlaneView {
  const float* data = nullptr;
  int height = 0, width = 0;
  std::ptrdiff_t stride = 0;
};
inline constexpr int kPlaneSlack = 32;

struct BlockSearch {
  int block = 8;       // pixels along each side
  int step = 3;        // pixels between reference blocks
  int reach = 19;      // pixels in each direction: 39 x 39 candidates
  int most = 16;       // blocks of a group, the reference included; at most kMostBlocks
  float farthest = 0;  // sum of squared differences from which on a block does not match
};

inline constexpr int kMostBlocks = 32;

/// Reference blocks along an axis of `size` pixels begin at 0, step, 2 step ..., and where the last block fits.
constexpr int reference_count(int size, int block, int step) {
  return (size - block + step - 1) / step + 1;
}
constexpr int reference_at(int index, int size, int block, int step) {
  return index * step < size - block ? index * step : size - block;
}

/// A candidate's position, from the reference block.
struct Shift {
  int y = 0, x = 0;
};

/// All candidates, nearest first: of equally similar blocks the nearer one is taken. The first is {0, 0}.
std::vector<Shift> search_order(int reach);

/// The blocks found for a row of reference blocks, the most similar one (the reference itself) first.
struct BlockGroups {
  std::vector<int> counts;             // per reference: 1 to `most`
  std::vector<std::uint16_t> members;  // per reference `most` places; positions in search_order
};

/// Finds the blocks for row `row` of the reference blocks of a plane of at least block x block pixels. Distances are
/// added in one order on every device (rows by fused multiply-add, then columns in pairs), so that CPU and GPU choose
/// the same blocks. `groups` and `scratch` are reused from call to call.
void match_blocks(const PlaneView& plane, const BlockSearch& search, const std::vector<Shift>& order, int row,
                  BlockGroups& groups, std::vector<float>& scratch);

/// The same by definition, in double precision, for tests: all candidates sorted.
void match_blocks_reference(const PlaneView& plane, const BlockSearch& search, const std::vector<Shift>& order, int row,
                            BlockGroups& groups);

}  // namespace n2s
