// The symbolic form of a network: values, layers and operations, without memory or image sizes. A net is built once
// from unfused operations; fusion rewrites it into the few that the kernels provide in one pass over memory; autograd
// appends the backward operations; the plan and the executor take it from there. See engine/README.md.
#pragma once

#include <concepts>
#include <string>
#include <variant>
#include <vector>

namespace n2s {

using ValueId = int;  // index into Graph::values
using LayerId = int;  // index into Graph::layers
inline constexpr int kNone = -1;

enum class ValueType { float32, argmax2 };  // argmax2: position in a 2x2 window, 0..3

/// A tensor of the graph. Its height and width are the input's divided by 2^level.
struct Value {
  std::string name;
  int channels = 0;
  int level = 0;
  ValueType type = ValueType::float32;
};

/// A 3x3 convolution's parameters: weight [out][in][3][3] and bias [out].
struct Layer {
  std::string name;  // "<block>.<conv>", as in the paper's tables
  int in_channels = 0;
  int out_channels = 0;
  float slope = 1;  // of the activation that follows: fixes the gain of the initial weights
};

/// out = activation(conv(concat(upsample(low), skip))) + residual[channel], and pooled = maxpool2(out).
/// An unfused convolution has only `skip` and `out`, and slope 1.
struct Convolution {
  LayerId layer = kNone;
  ValueId low = kNone, skip = kNone, residual = kNone;
  int residual_channel = 0;
  float slope = 1;
  ValueId out = kNone, pooled = kNone, argmax = kNone;
};

struct Activation {
  ValueId in = kNone, out = kNone;
  float slope = 1;  // v > 0 ? v : slope * v
};

struct MaxPool {
  ValueId in = kNone, out = kNone, argmax = kNone;
};

struct BlurPool {  // maxima of all 2x2 windows, blurred, every second one
  ValueId in = kNone, out = kNone;
};

struct Upsample {  // nearest neighbour, 2x
  ValueId in = kNone, out = kNone;
};

struct Concat {  // channels of `first`, then of `second`
  ValueId first = kNone, second = kNone, out = kNone;
};

struct AddPlane {  // out = in + one channel of `source`
  ValueId in = kNone, source = kNone;
  int channel = 0;
  ValueId out = kNone;
};

/// Where a gradient goes: multiplied by the derivative of the activation that made the value, if there is one, and
/// added to what other consumers of the value have left there.
struct GradientTarget {
  ValueId gradient = kNone;
  ValueId activated = kNone;
  float slope = 1;
  bool accumulate = false;
};

/// loss = mean((prediction - target)^2) and its gradient with respect to the prediction; masked: over the targets that
/// are not NaN.
struct MeanSquaredError {
  ValueId prediction = kNone, target = kNone;
  GradientTarget to;
  bool is_masked = false;
};

/// Gradient arriving at a convolution: at full resolution, through its pooled output, or both.
struct OutputGradient {
  ValueId dense = kNone, pooled = kNone, argmax = kNone;
};

struct ConvolutionDataGradient {
  LayerId layer = kNone;
  OutputGradient output_gradient;
  int low_channels = 0, skip_channels = 0;
  GradientTarget low, skip;
};

struct ConvolutionWeightGradient {
  LayerId layer = kNone;
  ValueId low = kNone, skip = kNone;
  OutputGradient output_gradient;
};

struct ActivationGradient {
  ValueId output_gradient = kNone, activated = kNone;
  float slope = 1;
  GradientTarget to;
};

struct MaxPoolGradient {
  ValueId output_gradient = kNone, argmax = kNone;
  GradientTarget to;
};

struct BlurPoolGradient {
  ValueId output_gradient = kNone, in = kNone;
  GradientTarget to;
};

struct UpsampleGradient {
  ValueId output_gradient = kNone;
  GradientTarget to;
};

struct ConcatGradient {
  ValueId output_gradient = kNone;
  GradientTarget first, second;
};

struct AddPlaneGradient {  // a copy: the plane itself is an input and wants no gradient
  ValueId output_gradient = kNone;
  GradientTarget to;
};

using Operation = std::variant<Convolution, Activation, MaxPool, BlurPool, Upsample, Concat, AddPlane, MeanSquaredError,
                               ConvolutionDataGradient, ConvolutionWeightGradient, ActivationGradient, MaxPoolGradient,
                               BlurPoolGradient, UpsampleGradient, ConcatGradient, AddPlaneGradient>;

template <typename Op, typename... Kinds>
concept OneOf = (std::same_as<Op, Kinds> || ...);

/// What autograd appends. Visitors of forward graphs name it for all of these, so that the compiler still asks for a
/// new forward operation.
template <typename Op>
concept BackwardOperation =
    OneOf<Op, MeanSquaredError, ConvolutionDataGradient, ConvolutionWeightGradient, ActivationGradient, MaxPoolGradient,
          BlurPoolGradient, UpsampleGradient, ConcatGradient, AddPlaneGradient>;

/// Operations without parameters that kernels/unfused computes one by one: they need no memory beside their tensors.
/// Their multiplications are not counted, as convolutions take nearly all of the time.
template <typename Op>
concept UnfusedOperation = OneOf<Op, Activation, MaxPool, BlurPool, Upsample, Concat, AddPlane, ActivationGradient,
                                 MaxPoolGradient, BlurPoolGradient, UpsampleGradient, ConcatGradient, AddPlaneGradient>;

struct Graph {
  std::vector<Value> values;
  std::vector<Layer> layers;
  std::vector<Operation> operations;  // in the order in which they run
  ValueId input = kNone;
  ValueId output = kNone;
  ValueId target = kNone;  // set by autograd
};

/// What an operation reads and writes. A gradient target that accumulates is in both.
struct Access {
  std::vector<ValueId> reads, writes;
};
Access access(const Operation& operation);

/// "conv down1.conv2 + pool", "data gradient up1.conv1", …: for listings and benchmarks.
std::string label(const Graph& graph, const Operation& operation);

/// Largest level of any value: the input's sides are to be divisible by 2^depth.
int depth(const Graph& graph);

/// Builds graphs of unfused operations; every function returns the value that it adds. Throws Error on values that do
/// not fit together (a programming error in a net).
class GraphBuilder {
 public:
  ValueId input(int channels);
  /// `slope` is that of the activation which follows; it is recorded for the initial weights and not applied here.
  ValueId conv3x3(const std::string& name, ValueId in, int out_channels, float slope = 1);
  ValueId activation(ValueId in, float slope);
  ValueId maxpool2(ValueId in);
  ValueId blurpool2(ValueId in);
  ValueId upsample2(ValueId in);
  ValueId concat(ValueId first, ValueId second);
  ValueId add_plane(ValueId in, ValueId source, int channel);
  Graph finish(ValueId output);

 private:
  ValueId add_value(std::string name, int channels, int level, ValueType type = ValueType::float32);
  const Value& at(ValueId id) const { return graph_.values.at(static_cast<std::size_t>(id)); }
  Graph graph_;
};

}  // namespace n2s
