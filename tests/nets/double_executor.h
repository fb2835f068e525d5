// Runs a differentiated graph, plain or fused, in double precision: what PyTorch in float64 is compared with. The
// graph, its fusion and its differentiation are the ones that the backends run; only the arithmetic is another.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/parameters.h"
#include "engine/runtime/backend.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

class DoubleExecutor {
 public:
  DoubleExecutor(Graph graph, const Extents& extents, std::vector<double> parameters);

  const Graph& graph() const { return graph_; }
  Shape shape(ValueId id) const;
  /// The numbers of a value; each has memory of its own.
  std::vector<double>& at(ValueId id) { return values_.at(static_cast<std::size_t>(id)); }
  const std::vector<double>& parameters() const { return parameters_; }
  const std::vector<double>& gradients() const { return gradients_; }

  /// Runs every operation once and returns the loss.
  double run();
  /// One update with the default settings; `step` counts from 1.
  void adam(long step);

 private:
  struct RunInDouble;

  Graph graph_;
  Extents extents_;
  ParameterLayout layout_;
  std::vector<double> parameters_, gradients_, first_moment_, second_moment_;
  std::vector<std::vector<double>> values_;
  std::vector<std::vector<std::uint8_t>> indices_;  // of the values that are argmax2
  double loss_ = 0;
  ThreadPool pool_;
};

}  // namespace n2s
