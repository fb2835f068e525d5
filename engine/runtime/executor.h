// Runs a graph on a backend for one image size: plans and allocates its memory once, then runs the operations in order.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/plan.h"
#include "engine/runtime/backend.h"
#include "engine/runtime/parameter_memory.h"

namespace n2s {

class Executor {
 public:
  /// Throws Error if the extents do not suit the graph, or if there is not enough memory (with the plan's figure).
  Executor(Backend& backend, Graph graph, Extents extents, const ParameterMemory& parameters);

  const Graph& graph() const { return graph_; }
  const Extents& extents() const { return extents_; }
  const Plan& plan() const { return plan_; }

  /// Views of the input, the target and the output in device memory.
  Shape shape(ValueId id) const { return binding_.shape(id); }
  std::byte* data(ValueId id) const { return static_cast<std::byte*>(binding_.data(id)); }

  void set(ValueId id, std::span<const float> host);
  std::vector<float> get(ValueId id) const;

  /// Runs every operation once: the forward pass, and in a graph that autograd has extended the loss and the backward
  /// pass. Weights are packed first, if they have changed; in training they always have, and a captured step must
  /// contain the packing. `observe` is called after each operation with its index: for timing.
  void run(const std::function<void(std::size_t operation)>& observe = {});

  /// The loss of the last run of a graph with a mean squared error: its value, which waits for the run, and where it
  /// lies in device memory.
  double loss() const;
  void set_loss(double loss);
  double* loss_data() const { return loss_.as<double>().data(); }

 private:
  std::span<std::byte> span_of(const Placement& place) const;
  void pack_if_changed();
  void bind(std::size_t operation);

  Backend* backend_;
  Graph graph_;
  Extents extents_;
  const ParameterMemory* parameters_;
  Plan plan_;
  Buffer arena_;
  Binding binding_;
  long packed_version_ = 0;
  Buffer loss_;  // one double
};

/// The plan alone, to say what a run will need before it starts.
Plan plan_for(const Backend& backend, const Graph& graph, const Extents& extents);

}  // namespace n2s
