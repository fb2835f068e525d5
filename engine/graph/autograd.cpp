// Appends each operation's gradient, from the last operation to the first.
#include "engine/graph/autograd.h"

#include <fmt/format.h>

#include <vector>

#include "kernels/base/error.h"

namespace n2s {
namespace {

class Autograd {
 public:
  Autograd(Graph graph, bool masked)
      : graph_(std::move(graph)),
        masked_(masked),
        gradient_(graph_.values.size(), kNone),
        made_by_(graph_.values.size()) {
    for (const Operation& operation : graph_.operations)
      if (const auto* conv = std::get_if<Convolution>(&operation); conv != nullptr && conv->slope != 1)
        for (const ValueId v : {conv->out, conv->pooled})
          if (v != kNone) made_by_[static_cast<std::size_t>(v)] = {v, conv->slope};
  }

  Graph run() {
    const std::vector<Operation> forward = graph_.operations;
    const Value output = value(graph_.output);
    graph_.target = add({"target", output.channels, output.level, ValueType::float32});
    graph_.operations.emplace_back(MeanSquaredError{graph_.output, graph_.target, target_for(graph_.output), masked_});
    for (std::size_t i = forward.size(); i-- > 0;) std::visit([&](const auto& op) { append(op); }, forward[i]);
    return std::move(graph_);
  }

 private:
  struct Mask {
    ValueId activated = kNone;
    float slope = 1;
  };

  Value& value(ValueId id) { return graph_.values.at(static_cast<std::size_t>(id)); }

  ValueId add(Value v) {
    graph_.values.push_back(std::move(v));
    return static_cast<ValueId>(graph_.values.size()) - 1;
  }

  ValueId gradient_of(ValueId id) const { return id == kNone ? kNone : gradient_[static_cast<std::size_t>(id)]; }

  /// Where the gradient of `id` goes; nowhere for the net's input.
  GradientTarget target_for(ValueId id) {
    if (id == kNone || id == graph_.input) return {};
    const auto index = static_cast<std::size_t>(id);
    const bool first = gradient_[index] == kNone;
    if (first) {
      const Value v = value(id);
      gradient_[index] = add({"gradient of " + v.name, v.channels, v.level, ValueType::float32});
    }
    return {gradient_[index], made_by_[index].activated, made_by_[index].slope, !first};
  }

  ValueId output_gradient_of(ValueId id) const {
    const ValueId gradient = gradient_of(id);
    if (gradient == kNone)
      throw Error(fmt::format("the network's value '{}' does not reach the output",
                              graph_.values[static_cast<std::size_t>(id)].name));
    return gradient;
  }

  void append(const Convolution& op) {
    OutputGradient output_gradient{gradient_of(op.out), gradient_of(op.pooled), kNone};
    if (output_gradient.pooled != kNone) output_gradient.argmax = op.argmax;
    if (output_gradient.dense == kNone && output_gradient.pooled == kNone)
      output_gradient_of(op.out != kNone ? op.out : op.pooled);
    graph_.operations.emplace_back(ConvolutionWeightGradient{op.layer, op.low, op.skip, output_gradient});
    ConvolutionDataGradient data{op.layer, output_gradient, channels(op.low), channels(op.skip), {}, {}};
    data.low = target_for(op.low);
    data.skip = target_for(op.skip);
    if (data.low.gradient != kNone || data.skip.gradient != kNone) graph_.operations.emplace_back(data);
  }

  void append(const Activation& op) {
    graph_.operations.emplace_back(ActivationGradient{output_gradient_of(op.out), op.out, op.slope, target_for(op.in)});
  }
  void append(const MaxPool& op) {
    graph_.operations.emplace_back(MaxPoolGradient{output_gradient_of(op.out), op.argmax, target_for(op.in)});
  }
  void append(const BlurPool& op) {
    graph_.operations.emplace_back(BlurPoolGradient{output_gradient_of(op.out), op.in, target_for(op.in)});
  }
  void append(const Upsample& op) {
    graph_.operations.emplace_back(UpsampleGradient{output_gradient_of(op.out), target_for(op.in)});
  }
  void append(const Concat& op) {
    const ValueId output_gradient = output_gradient_of(op.out);
    const GradientTarget first = target_for(op.first);
    graph_.operations.emplace_back(ConcatGradient{output_gradient, first, target_for(op.second)});
  }
  void append(const AddPlane& op) {
    graph_.operations.emplace_back(AddPlaneGradient{output_gradient_of(op.out), target_for(op.in)});
  }
  void append(const BackwardOperation auto&) { throw Error("a graph can be differentiated only once"); }

  int channels(ValueId id) { return id == kNone ? 0 : value(id).channels; }

  Graph graph_;
  bool masked_;
  std::vector<ValueId> gradient_;  // of each forward value, kNone until a consumer makes it
  std::vector<Mask> made_by_;      // the activation that made each forward value
};

}  // namespace

Graph differentiate(Graph graph, bool masked) {
  return Autograd(std::move(graph), masked).run();
}

}  // namespace n2s
