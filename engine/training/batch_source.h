// Where training batches come from.
#pragma once

#include <vector>

#include "engine/graph/extents.h"
#include "kernels/base/philox.h"
#include "kernels/base/tensor.h"
#include "kernels/gather_planes/batch_plan.h"

namespace n2s {

/// The same step always gives the same batch, in any order of calls.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  /// Batches until every target plane has been seen once.
  virtual long steps_per_epoch() const = 0;
  virtual Extents extents() const = 0;
  /// input (N, H, W, planes) and target (N, H, W, 1), in host memory.
  virtual void fill(const BatchStep& step, FloatTensor input, FloatTensor target) = 0;
  /// Of the simulated noise on each image's target plane as the network sees it. Empty where there is none.
  virtual std::vector<RandomKey> noise_keys(const BatchStep&) { return {}; }
};

}  // namespace n2s
