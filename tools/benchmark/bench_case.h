// One case of the benchmark: a network, a batch and an image size, in training or inference.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/devices/device.h"
#include "nets/network.h"

namespace n2s {

struct BenchCase {
  const Network* network = nullptr;
  int planes = 0;
  Extents extents;
  bool training = true;
  bool fusion = true;
};

struct OperationTime {
  std::string label;
  double milliseconds = 0;  // median
  double gflop = 0;         // counted as direct convolution; 0: not a convolution
};

struct CaseTime {
  double ms_per_plane = 0;  // median of whole steps: graph, and Adam when training
  double gflop_per_plane = 0;
  std::size_t arena_bytes = 0;
  std::string batches;  // how the device builds a training step's batches; empty: building them was not timed
  std::vector<OperationTime> operations;
};

/// Repeats for about `seconds` after a warm-up, on random data in device memory. On a GPU a training step includes
/// building the batch and corrupting it, as in a real training run.
CaseTime time_case(const Device& device, const BenchCase& bench_case, double seconds);

}  // namespace n2s
