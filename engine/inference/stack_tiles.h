// A stack while it is restored: cut into tiles for the network, and put together from the valid part of each result.
// The stack stays on the device that the network runs on, as many planes of it at a time as there is memory for.
#pragma once

#include <cstddef>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/inference/tiling.h"
#include "engine/runtime/executor.h"

namespace n2s {

/// The part of a plane that the network sees at once, and the part of the result that is kept.
struct Tile {
  int plane = 0;
  TileSpan y, x;
};

/// Planes that follow each other.
struct PlaneRange {
  int first = 0, count = 0;
};

/// Both stacks must live as long as the tiles.
struct TileRequest {
  const Stack& noisy;  // in voxel units
  Stack& restored;     // of the same size, for the result, in voxel units
  Normalisation normalisation;
  int planes = 0;         // input planes of the network
  int gap = 0;            // planes skipped on each side of the target
  Extents extents;        // of a run of the network: tiles in a batch, and their size
  std::size_t limit = 0;  // bytes of device memory that may be taken; for one plane at a time they are taken anyway
};

class StackTiles {
 public:
  virtual ~StackTiles() = default;

  /// Planes that can be restored between load and take.
  virtual int planes_at_once() const = 0;

  /// Brings these planes and the neighbours that the network sees to the device; `tiles` are the planes' tiles. Throws
  /// Error.
  virtual void load(const PlaneRange& planes, std::vector<Tile> tiles) = 0;

  /// Fills the executor's input with the batch of tiles from number `first` of those loaded on: normalised, and
  /// reflected outside the plane. The last batch is filled up with copies.
  virtual void gather(std::size_t first, Executor& executor) = 0;

  /// Writes the valid part of that batch's results into the restored planes.
  virtual void keep(std::size_t first, Executor& executor) = 0;

  /// Writes the restored planes into the request's stack, in voxel units; waits for them.
  virtual void take() = 0;
};

}  // namespace n2s
