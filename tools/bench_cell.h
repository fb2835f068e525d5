// One cell of the benchmark: a network, a batch and an image size, trained or applied.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/runtime/backend.h"
#include "nets/network.h"

namespace n2s {

struct BenchCell {
  NetworkKind network = NetworkKind::mri;
  int planes = 0;
  Extents extents;
  bool training = true;
  bool fusion = true;
};

struct OperationTime {
  std::string label;
  double milliseconds = 0;  // median
  double gflop = 0;         // counted as direct convolution; 0 for what is none
};

struct CellTime {
  double ms_per_plane = 0;  // median of whole steps: graph, and Adam when training
  double gflop_per_plane = 0;
  std::size_t arena_bytes = 0;
  std::string batches;  // where a training step's batches come from, if they are part of what was timed
  std::vector<OperationTime> operations;
};

/// Repeats for about `seconds` after a warm-up, on random data that lie in the device's memory. On a GPU a training
/// step has the batch's assembly and corruption in it, as it has in a training.
CellTime time_cell(Backend& backend, const BenchCell& cell, double seconds);

}  // namespace n2s
