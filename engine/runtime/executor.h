// Runs a graph on a backend for one image size: plans, takes the memory once, and walks the operations.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/parameters.h"
#include "engine/graph/plan.h"
#include "engine/runtime/backend.h"

namespace n2s {

/// A network's parameters in device memory, with gradients and Adam's moments when it is to be trained.
class ParameterMemory {
 public:
  ParameterMemory(Backend& backend, const std::vector<Layer>& layers, bool training);

  const ParameterLayout& layout() const { return layout_; }
  bool training() const { return training_; }
  LayerMemory layer(LayerId id) const;

  /// The four parts, each of layout().total floats; the last three only when training.
  enum class Part { values, gradients, first_moment, second_moment };
  void upload(Part part, std::span<const float> host);
  std::vector<float> download(Part part) const;

  /// One Adam update of all parameters from the gradients; `step` counts from 1.
  void adam(const AdamSettings& settings, long step);

  /// Increases with every change of the values; executors repack their weights when they see a new one.
  long version() const { return version_; }
  /// For changes that recorded work has made.
  void changed() { ++version_; }

 private:
  std::span<float> part(Part part) const;

  Backend* backend_;
  ParameterLayout layout_;
  bool training_;
  Buffer memory_;
  long version_ = 1;
};

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

  /// Packs the weights again at the next run, whether they have changed or not: for work that is recorded.
  void expect_change() { packed_version_ = 0; }

  /// Runs every operation once. `observe` is called after each with its index: for timing.
  void run(const std::function<void(std::size_t operation)>& observe = {});

  /// Of the last run of a graph with a mean squared error; waits for it.
  double loss() const;

 private:
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
