// The golden files and what they were computed from. Weights, inputs and targets come from formulas, so a file holds
// nothing but the numbers that PyTorch found in float64: the output and the gradients of the first step, the losses of
// four, and the parameters after them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/parameters.h"
#include "engine/runtime/backend.h"
#include "engine/training/safetensors.h"
#include "nets/network.h"

namespace n2s {

/// All *.safetensors of tests/golden and of the folder named by N2S_GOLDEN.
std::vector<std::string> golden_files();

/// A tensor's place among the parameters, with the name that it has in the file.
struct NamedRange {
  std::string name;
  ParameterRange range;
};

/// Squared error and squared size. Their ratio is the NMSE; those of several tensors add up.
struct Deviation {
  double error = 0, size = 0;
  double nmse() const { return error / size; }
  Deviation& operator+=(const Deviation& other);
};

class Golden {
 public:
  explicit Golden(const std::string& path);

  Graph graph() const;  // forward, of plain operations
  Extents extents() const;
  std::vector<double> parameters() const;
  std::vector<double> input() const;   // NHWC
  std::vector<double> target() const;  // one channel: NHWC is NCHW

  std::vector<double> losses() const { return file_.at("losses").as_double(); }
  /// Sum and Euclidean norm of a gradient of the first step.
  std::vector<double> sum_and_norm(const std::string& name) const { return file_.at("gradnorm." + name).as_double(); }
  const std::vector<NamedRange>& tensors() const { return tensors_; }

  /// Whether the gradient in the file is the fourth step's instead of the first's. PyTorch handed out a view of small
  /// gradients and, depending on its version, went on writing there. The first step's norm is kept apart and tells.
  bool is_last_gradient(const NamedRange& tensor) const;

  Deviation output(const std::vector<double>& ours) const;
  /// `part` is "grad." or "step4."; `ours` are all parameters' numbers.
  Deviation part(const std::string& part, const NamedRange& tensor, const std::vector<double>& ours) const;

 private:
  int number(const char* key) const { return std::stoi(file_.metadata.at(key)); }

  TensorFile file_;
  std::vector<NamedRange> tensors_;
};

}  // namespace n2s
