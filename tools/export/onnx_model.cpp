// See onnx_model.h.
#include "tools/export/onnx_model.h"

#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx.pb.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/graph/parameters.h"
#include "kernels/base/error.h"
#include "tools/export/plane_offsets.h"

namespace n2s {
namespace {

/// Of ONNX's graph, into which nodes and constants go.
class OnnxGraph {
 public:
  explicit OnnxGraph(onnx::GraphProto& graph) : graph_(&graph) {}

  /// A node with one output, of which attributes are added by the caller.
  onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& made = *graph_->add_node();
    made.set_op_type(type);
    made.set_name(output);
    for (const std::string& input : inputs) made.add_input(input);
    made.add_output(output);
    return made;
  }

  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
    onnx::TensorProto& tensor = initializer(name, shape, onnx::TensorProto::FLOAT);
    tensor.set_raw_data(values.data(), values.size_bytes());
    return name;
  }

  std::string constant(const std::string& name, const std::vector<std::int64_t>& values, bool is_scalar = false) {
    onnx::TensorProto& tensor = initializer(
        name, is_scalar ? std::vector<std::int64_t>{} : std::vector{static_cast<std::int64_t>(values.size())},
        onnx::TensorProto::INT64);
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return name;
  }

 private:
  onnx::TensorProto& initializer(const std::string& name, const std::vector<std::int64_t>& shape, int type) {
    onnx::TensorProto& tensor = *graph_->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    for (const std::int64_t length : shape) tensor.add_dims(length);
    return tensor;
  }

  onnx::GraphProto* graph_;
};

void set(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}
void set(onnx::NodeProto& node, const std::string& name, float value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}
void set(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(value);
}
void set(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

/// Translates a forward graph of unfused operations.
class Translation {
 public:
  Translation(OnnxGraph& onnx, const Graph& graph, std::span<const float> parameters)
      : onnx_(onnx), graph_(graph), parameters_(parameters), layout_(parameter_layout(graph.layers)) {}

  /// Returns the name of the output's value.
  std::string translate(const std::string& input) {
    names_.assign(graph_.values.size(), "");
    for (std::size_t i = 0; i < names_.size(); ++i) names_[i] = fmt::format("value{}", i);
    name(graph_.input) = input;
    for (const Operation& operation : graph_.operations) std::visit([this](const auto& op) { add(op); }, operation);
    return name(graph_.output);
  }

 private:
  std::string& name(ValueId id) { return names_.at(static_cast<std::size_t>(id)); }
  std::int64_t channels(ValueId id) const { return graph_.values.at(static_cast<std::size_t>(id)).channels; }

  void add(const Convolution& c) {
    const auto index = static_cast<std::size_t>(c.layer);
    const Layer& layer = graph_.layers.at(index);
    const LayerParameters& at = layout_.layers.at(index);
    const std::string weight = onnx_.constant(layer.name + ".weight", {layer.out_channels, layer.in_channels, 3, 3},
                                              parameters_.subspan(at.weight.offset, at.weight.count));
    const std::string bias =
        onnx_.constant(layer.name + ".bias", {layer.out_channels}, parameters_.subspan(at.bias.offset, at.bias.count));
    onnx::NodeProto& node = onnx_.node("Conv", {name(c.skip), weight, bias}, name(c.out));
    set(node, "kernel_shape", std::vector<std::int64_t>{3, 3});
    set(node, "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  }

  void add(const Activation& a) {
    if (a.slope == 0) {
      onnx_.node("Relu", {name(a.in)}, name(a.out));
      return;
    }
    set(onnx_.node("LeakyRelu", {name(a.in)}, name(a.out)), "alpha", a.slope);
  }

  void add(const MaxPool& p) {
    onnx::NodeProto& node = onnx_.node("MaxPool", {name(p.in)}, name(p.out));
    set(node, "kernel_shape", std::vector<std::int64_t>{2, 2});
    set(node, "strides", std::vector<std::int64_t>{2, 2});
  }

  /// The windows at the far edges are cut there, and the first ones stand for those before the edges.
  void add(const BlurPool& p) {
    const std::string maxima = name(p.out) + ".maxima", padded = name(p.out) + ".padded";
    onnx::NodeProto& pool = onnx_.node("MaxPool", {name(p.in)}, maxima);
    set(pool, "kernel_shape", std::vector<std::int64_t>{2, 2});
    set(pool, "pads", std::vector<std::int64_t>{0, 0, 1, 1});
    onnx::NodeProto& pad =
        onnx_.node("Pad", {maxima, onnx_.constant(name(p.out) + ".pads", {0, 0, 1, 1, 0, 0, 0, 0})}, padded);
    set(pad, "mode", std::string("edge"));
    constexpr std::array<float, 3> kTaps{0.25F, 0.5F, 0.25F};
    std::vector<float> taps;
    for (std::int64_t c = 0; c < channels(p.in); ++c)
      for (const float row : kTaps)
        for (const float column : kTaps) taps.push_back(row * column);
    onnx::NodeProto& blur = onnx_.node(
        "Conv", {padded, onnx_.constant(name(p.out) + ".taps", {channels(p.in), 1, 3, 3}, taps)}, name(p.out));
    set(blur, "kernel_shape", std::vector<std::int64_t>{3, 3});
    set(blur, "strides", std::vector<std::int64_t>{2, 2});
    set(blur, "group", channels(p.in));
  }

  void add(const Upsample& u) {
    constexpr std::array<float, 4> kScales{1, 1, 2, 2};
    onnx::NodeProto& node =
        onnx_.node("Resize", {name(u.in), "", onnx_.constant(name(u.out) + ".scales", {4}, kScales)}, name(u.out));
    set(node, "mode", std::string("nearest"));
    set(node, "coordinate_transformation_mode", std::string("asymmetric"));
    set(node, "nearest_mode", std::string("floor"));
  }

  void add(const Concat& c) {
    set(onnx_.node("Concat", {name(c.first), name(c.second)}, name(c.out)), "axis", std::int64_t{1});
  }

  void add(const AddPlane& a) {
    const std::string plane = name(a.out) + ".plane";
    onnx::NodeProto& gather =
        onnx_.node("Gather", {name(a.source), onnx_.constant(plane + ".channel", {a.channel})}, plane);
    set(gather, "axis", std::int64_t{1});
    onnx_.node("Add", {name(a.in), plane}, name(a.out));
  }

  template <BackwardOperation Op>
  void add(const Op& /*operation*/) {
    throw Error("a network's forward graph has no backward operations");
  }

  OnnxGraph& onnx_;
  const Graph& graph_;
  std::span<const float> parameters_;
  ParameterLayout layout_;
  std::vector<std::string> names_;
};

/// Continues `image` along `axis` by reflection to a multiple of `divisor`, which may be more than once its length:
/// gathers index min(m, period - m) for m = i mod period, period = 2 (length - 1).
std::string padded(OnnxGraph& g, const std::string& image, const std::string& of, int axis, int divisor) {
  const std::string p = fmt::format("pad{}.", axis);
  const std::string one = g.constant(p + "one", {1}, true), two = g.constant(p + "two", {2}, true);
  const std::string zero = g.constant(p + "zero", {0}, true), by = g.constant(p + "divisor", {divisor}, true);
  g.node("Shape", {of}, p + "shape");
  g.node("Gather", {p + "shape", g.constant(p + "axis", {axis}, true)}, p + "length");
  g.node("Add", {p + "length", g.constant(p + "round", {divisor - 1}, true)}, p + "rounded");
  g.node("Div", {p + "rounded", by}, p + "blocks");
  g.node("Mul", {p + "blocks", by}, p + "full");
  g.node("Sub", {p + "length", one}, p + "last");
  g.node("Mul", {p + "last", two}, p + "twice");
  g.node("Max", {p + "twice", one}, p + "period");  // of a single row or column
  g.node("Range", {zero, p + "full", one}, p + "positions");
  g.node("Mod", {p + "positions", p + "period"}, p + "folded");
  g.node("Sub", {p + "period", p + "folded"}, p + "mirrored");
  g.node("Min", {p + "folded", p + "mirrored"}, p + "indices");
  set(g.node("Gather", {image, p + "indices"}, p + "image"), "axis", std::int64_t{axis});
  return p + "image";
}

/// Cuts the result to the input's height and width.
std::string cut(OnnxGraph& g, const std::string& image, const std::string& like) {
  g.node("Shape", {like}, "cut.shape");
  g.node("Gather", {"cut.shape", g.constant("cut.sides", {2, 3})}, "cut.ends");
  g.node("Slice", {image, g.constant("cut.starts", {0, 0}), "cut.ends", g.constant("cut.axes", {2, 3})}, "cut.image");
  return "cut.image";
}

std::string scaled(OnnxGraph& g, const std::string& image, const Normalisation& n) {
  const auto scalar = [&](const char* name, double value) {
    const float single = static_cast<float>(value);
    return g.constant(name, {}, std::span(&single, 1));
  };
  g.node("Mul", {image, scalar("normalise.scale", n.scale)}, "normalise.scaled");
  g.node("Add", {"normalise.scaled", scalar("normalise.offset", n.offset)}, "normalise.image");
  if (!n.clip_low && !n.clip_high) return "normalise.image";
  g.node("Clip",
         {"normalise.image", n.clip_low ? scalar("normalise.low", *n.clip_low) : "",
          n.clip_high ? scalar("normalise.high", *n.clip_high) : ""},
         "normalise.clipped");
  return "normalise.clipped";
}

std::string unscaled(OnnxGraph& g, const std::string& image) {
  g.node("Sub", {image, "normalise.offset"}, "restore.scaled");
  g.node("Div", {"restore.scaled", "normalise.scale"}, "restore.image");
  return "restore.image";
}

void describe_value(onnx::ValueInfoProto& value, const std::string& name, int channels) {
  value.set_name(name);
  onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  onnx::TensorShapeProto& shape = *tensor.mutable_shape();
  shape.add_dim()->set_dim_param("batch");
  shape.add_dim()->set_dim_value(channels);
  shape.add_dim()->set_dim_param("height");
  shape.add_dim()->set_dim_param("width");
}

void add_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

}  // namespace

std::string onnx_model(const LoadedModel& model, const std::string& configuration, const OnnxOptions& options) {
  onnx::ModelProto proto;
  proto.set_ir_version(8);
  proto.set_producer_name("n2s");
  proto.set_producer_version(N2S_VERSION);
  onnx::OperatorSetIdProto& opset = *proto.add_opset_import();
  opset.set_domain("");
  opset.set_version(17);
  onnx::GraphProto& graph = *proto.mutable_graph();
  graph.set_name(model.network->name);
  describe_value(*graph.add_input(), "planes", model.planes);
  describe_value(*graph.add_output(), "restored", 1);

  OnnxGraph onnx(graph);
  const Graph network = model.network->build(model.planes);
  std::string image = options.normalises ? scaled(onnx, "planes", model.normalisation) : "planes";
  for (const int axis : {2, 3}) image = padded(onnx, image, "planes", axis, 1 << depth(network));
  image = cut(onnx, Translation(onnx, network, model.parameters).translate(image), "planes");
  if (options.normalises) image = unscaled(onnx, image);
  onnx.node("Identity", {image}, "restored");

  add_metadata(proto, "n2s.configuration", configuration);
  add_metadata(proto, "n2s.offsets", fmt::format("[{}]", fmt::join(plane_offsets(model), ", ")));
  add_metadata(proto, "n2s.values", options.normalises ? "of the file" : "normalised");
  return proto.SerializeAsString();
}

}  // namespace n2s
