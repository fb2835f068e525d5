// A stack on its way through a network: cut into tiles, and put together again from what is kept of each tile's result.
// The stack stays where the network runs, as many planes of it at a time as there is memory for.
#pragma once

#include <cstddef>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/inference/tiling.h"
#include "engine/runtime/executor.h"

namespace n2s {

/// What the network sees at once of a plane, and what is kept of it.
struct Tile {
  int plane = 0;
  TileSpan y, x;
};

/// Planes that follow each other.
struct PlaneRange {
  int first = 0, count = 0;
};

/// Both stacks must live as long as what is made for the request.
struct TileRequest {
  const Stack& noisy;  // in voxel units
  Stack& restored;     // of the same size, for the result, in voxel units
  Normalisation normalisation;
  int planes = 0;         // that the network sees for each target
  int gap = 0;            // planes left out on each side of the target
  Extents extents;        // of a run of the network: tiles in a batch, and their size
  std::size_t limit = 0;  // bytes of device memory that may be taken; for one plane at a time they are taken anyway
};

class StackTiles {
 public:
  virtual ~StackTiles() = default;

  /// Planes that can be restored between load and take.
  virtual int planes_at_once() const = 0;

  /// Gets everything there that restoring these planes takes; the tiles are theirs. Throws Error.
  virtual void load(const PlaneRange& planes, std::vector<Tile> tiles) = 0;

  /// Fills the executor's input with the batch of tiles that begins with number `first` of those loaded: normalised,
  /// and continued by reflection outside their plane. The last batch is filled up.
  virtual void gather(std::size_t first, Executor& executor) = 0;

  /// Keeps of the executor's output what the tiles of that batch are for.
  virtual void keep(std::size_t first, Executor& executor) = 0;

  /// Brings the restored planes to where the request wants them, in voxel units; waits for them.
  virtual void take() = 0;
};

/// Pixels of a plane.
inline std::size_t plane_pixels(const Stack& stack) {
  return static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
}

}  // namespace n2s
