// Places every tensor of a graph in one arena before anything runs: the memory a run needs is known, and printed,
// first. Values whose lifetimes do not overlap share memory.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/graph/graph.h"

namespace n2s {

struct Placement {
  std::size_t offset = 0;  // bytes from the arena's beginning
  std::size_t bytes = 0;   // 0: needs no memory
};

/// Bytes that a graph's parts take, as the backend says; one entry for each value or operation.
struct PlanSizes {
  std::vector<std::size_t> values;
  std::vector<std::size_t> packed;   // live for the whole run, and between runs
  std::vector<std::size_t> scratch;  // live during their operation
};

struct Plan {
  std::vector<Placement> values, packed, scratch;
  std::size_t arena_bytes = 0;  // all of the above
};

/// First operation that writes a value and last one that reads it, as indices into Graph::operations. The input and the
/// target are live from -1, before the first; the output lives on to `operations.size()`, after the last.
struct Lifetime {
  int first = 0, last = -1;
  bool empty() const { return last < first; }
};
std::vector<Lifetime> lifetimes(const Graph& graph);

/// Greedy by size: the largest first, each at the lowest offset that is free during its life. Offsets are multiples of
/// 256 bytes.
Plan make_plan(const Graph& graph, const PlanSizes& sizes);

}  // namespace n2s
