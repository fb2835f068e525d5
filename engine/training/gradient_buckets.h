// Gradients that are summed over ranks while the backward pass goes on: in buckets, since each sum has a price of its
// own (as in PyTorch's DistributedDataParallel, Li et al. 2020).
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/runtime/backend.h"
#include "engine/runtime/parameter_memory.h"

namespace n2s {

class GradientBuckets {
 public:
  /// For one backward pass of a network with these parameters. `factor` is this rank's part of the sum.
  GradientBuckets(DeviceSums& sums, const ParameterMemory& memory, double factor);

  /// To be called after each operation.
  void ran(const Operation& operation);

  /// Starts what is left; the backend then waits for all.
  void finish();

 private:
  void start_from(std::size_t begin);

  DeviceSums* sums_;
  const ParameterMemory* memory_;
  double factor_;
  std::vector<bool> made_;  // layers whose gradient is there
  std::size_t next_layer_;  // the last of those before which it is not yet: autograd goes from the last to the first
  std::size_t begun_;       // floats from here on are summed, or about to be
};

}  // namespace n2s
