// Visitors over all kinds of operation (what each reads and writes, its label), and the functions that build graphs.
#include "engine/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/base/error.h"

namespace n2s {
namespace {

/// Collects the reads and writes of each kind of operation.
struct AccessOf {
  Access result;

  void read(ValueId v) {
    if (v != kNone) result.reads.push_back(v);
  }
  void write(ValueId v) {
    if (v != kNone) result.writes.push_back(v);
  }
  void target(const GradientTarget& to) {
    write(to.gradient);
    if (to.gradient == kNone) return;
    read(to.activated);
    if (to.accumulate) read(to.gradient);
  }
  void output_gradient(const OutputGradient& from) {
    read(from.dense);
    read(from.pooled);
    read(from.argmax);
  }

  void operator()(const Convolution& op) {
    read(op.low);
    read(op.skip);
    read(op.residual);
    write(op.out);
    write(op.pooled);
    write(op.argmax);
  }
  void operator()(const Activation& op) { read(op.in), write(op.out); }
  void operator()(const MaxPool& op) { read(op.in), write(op.out), write(op.argmax); }
  void operator()(const BlurPool& op) { read(op.in), write(op.out); }
  void operator()(const Upsample& op) { read(op.in), write(op.out); }
  void operator()(const Concat& op) { read(op.first), read(op.second), write(op.out); }
  void operator()(const AddPlane& op) { read(op.in), read(op.source), write(op.out); }
  void operator()(const MeanSquaredError& op) { read(op.prediction), read(op.target), target(op.to); }
  void operator()(const ConvolutionDataGradient& op) {
    output_gradient(op.output_gradient), target(op.low), target(op.skip);
  }
  void operator()(const ConvolutionWeightGradient& op) {
    read(op.low), read(op.skip), output_gradient(op.output_gradient);
  }
  void operator()(const ActivationGradient& op) { read(op.output_gradient), read(op.activated), target(op.to); }
  void operator()(const MaxPoolGradient& op) { read(op.output_gradient), read(op.argmax), target(op.to); }
  void operator()(const BlurPoolGradient& op) { read(op.output_gradient), read(op.in), target(op.to); }
  void operator()(const UpsampleGradient& op) { read(op.output_gradient), target(op.to); }
  void operator()(const ConcatGradient& op) { read(op.output_gradient), target(op.first), target(op.second); }
  void operator()(const AddPlaneGradient& op) { read(op.output_gradient), target(op.to); }
};

struct LabelOf {
  const Graph& graph;

  std::string layer(LayerId id) const { return graph.layers.at(static_cast<std::size_t>(id)).name; }
  std::string value(ValueId id) const { return graph.values.at(static_cast<std::size_t>(id)).name; }

  std::string operator()(const Convolution& op) const {
    std::string text = "conv " + layer(op.layer);
    if (op.pooled != kNone) text += " + pool";
    if (op.residual != kNone) text += " + residual";
    return text;
  }
  std::string operator()(const Activation& op) const { return "activation " + value(op.out); }
  std::string operator()(const MaxPool& op) const { return "pool " + value(op.out); }
  std::string operator()(const BlurPool& op) const { return "blurred pool " + value(op.out); }
  std::string operator()(const Upsample& op) const { return "upsample " + value(op.in); }
  std::string operator()(const Concat& op) const { return "concat " + value(op.out); }
  std::string operator()(const AddPlane& op) const { return "residual " + value(op.out); }
  std::string operator()(const MeanSquaredError&) const { return "mean squared error"; }
  std::string operator()(const ConvolutionDataGradient& op) const { return "data gradient " + layer(op.layer); }
  std::string operator()(const ConvolutionWeightGradient& op) const { return "weight gradient " + layer(op.layer); }
  std::string operator()(const ActivationGradient& op) const { return "activation gradient " + value(op.activated); }
  std::string operator()(const MaxPoolGradient& op) const { return "pool gradient " + value(op.to.gradient); }
  std::string operator()(const BlurPoolGradient& op) const { return "blurred pool gradient " + value(op.to.gradient); }
  std::string operator()(const UpsampleGradient& op) const { return "upsample gradient " + value(op.to.gradient); }
  std::string operator()(const ConcatGradient& op) const { return "concat gradient " + value(op.output_gradient); }
  std::string operator()(const AddPlaneGradient& op) const { return "residual gradient " + value(op.output_gradient); }
};

}  // namespace

Access access(const Operation& operation) {
  AccessOf visitor;
  std::visit([&](const auto& op) { visitor(op); }, operation);
  return visitor.result;
}

std::string label(const Graph& graph, const Operation& operation) {
  return std::visit(LabelOf{graph}, operation);
}

int depth(const Graph& graph) {
  int deepest = 0;
  for (const Value& value : graph.values) deepest = std::max(deepest, value.level);
  return deepest;
}

ValueId GraphBuilder::add_value(std::string name, int channels, int level, ValueType type) {
  graph_.values.push_back({std::move(name), channels, level, type});
  return static_cast<ValueId>(graph_.values.size()) - 1;
}

ValueId GraphBuilder::input(int channels) {
  if (channels < 1) throw Error(fmt::format("a network needs at least 1 input plane, not {}", channels));
  graph_.input = add_value("input", channels, 0);
  return graph_.input;
}

ValueId GraphBuilder::conv3x3(const std::string& name, ValueId in, int out_channels, float slope) {
  graph_.layers.push_back({name, at(in).channels, out_channels, slope});
  const ValueId out = add_value(name, out_channels, at(in).level);
  graph_.operations.emplace_back(
      Convolution{.layer = static_cast<LayerId>(graph_.layers.size()) - 1, .skip = in, .out = out});
  return out;
}

ValueId GraphBuilder::activation(ValueId in, float slope) {
  const ValueId out = add_value(at(in).name + ".activated", at(in).channels, at(in).level);
  graph_.operations.emplace_back(Activation{in, out, slope});
  return out;
}

ValueId GraphBuilder::maxpool2(ValueId in) {
  const ValueId out = add_value(at(in).name + ".pooled", at(in).channels, at(in).level + 1);
  const ValueId argmax = add_value(at(in).name + ".argmax", at(in).channels, at(in).level + 1, ValueType::argmax2);
  graph_.operations.emplace_back(MaxPool{in, out, argmax});
  return out;
}

ValueId GraphBuilder::blurpool2(ValueId in) {
  const ValueId out = add_value(at(in).name + ".pooled", at(in).channels, at(in).level + 1);
  graph_.operations.emplace_back(BlurPool{in, out});
  return out;
}

ValueId GraphBuilder::upsample2(ValueId in) {
  if (at(in).level == 0) throw Error("a value at the input's resolution cannot be upsampled");
  const ValueId out = add_value(at(in).name + ".upsampled", at(in).channels, at(in).level - 1);
  graph_.operations.emplace_back(Upsample{in, out});
  return out;
}

ValueId GraphBuilder::concat(ValueId first, ValueId second) {
  if (at(first).level != at(second).level) throw Error("only values of one resolution can be concatenated");
  const ValueId out =
      add_value(at(first).name + "+" + at(second).name, at(first).channels + at(second).channels, at(first).level);
  graph_.operations.emplace_back(Concat{first, second, out});
  return out;
}

ValueId GraphBuilder::add_plane(ValueId in, ValueId source, int channel) {
  if (source != graph_.input || at(in).level != 0 || channel < 0 || channel >= at(source).channels)
    throw Error("only a plane of the input can be added, at its resolution");
  const ValueId out = add_value(at(in).name + ".residual", at(in).channels, at(in).level);
  graph_.operations.emplace_back(AddPlane{in, source, channel, out});
  return out;
}

Graph GraphBuilder::finish(ValueId output) {
  graph_.output = output;
  return std::move(graph_);
}

}  // namespace n2s
