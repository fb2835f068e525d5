// A network's parameters in device memory, with gradients and Adam's moments when it is to be trained.
#pragma once

#include <span>
#include <vector>

#include "engine/graph/parameters.h"
#include "engine/runtime/backend.h"

namespace n2s {

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
  /// In device memory.
  std::span<float> gradients() const { return part(Part::gradients); }

  /// One Adam update of all parameters from the gradients, with the backend's current Adam step. `loss` is the step's
  /// loss in device memory, null: not looked at. Call changed() afterwards, and after each replay of a captured update.
  void adam(const double* loss);

  /// Increases with every change of the values; executors repack their weights when it does.
  long version() const { return version_; }
  void changed() { ++version_; }

 private:
  std::span<float> part(Part part) const;

  Backend* backend_;
  ParameterLayout layout_;
  bool training_;
  Buffer memory_;
  long version_ = 1;
};

}  // namespace n2s
