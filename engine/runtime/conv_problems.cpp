// Packed weights belong to the forward pass and the data gradient; each has a form of its own.
#include "engine/runtime/conv_problems.h"

#include "engine/runtime/geometry.h"

namespace n2s {
namespace {

/// Adds what an operation packs; the compiler asks for a function where a kind of operation is new.
struct AddPacking {
  const Graph& graph;
  const Extents& extents;
  const Binding& binding;
  std::span<std::byte> packed;
  std::vector<ConvPacking>& to;

  template <typename Op>
  void add(const Op& op, ConvPass pass) const {
    const float* weight = binding.layers.at(static_cast<std::size_t>(op.layer)).weight;
    to.push_back({layer_of(graph, extents, op), pass, weight, packed});
  }

  void operator()(const Convolution& op) const { add(op, ConvPass::forward); }
  void operator()(const ConvolutionDataGradient& op) const { add(op, ConvPass::data_gradient); }
  void operator()(const ConvolutionWeightGradient&) const {}
  void operator()(const MeanSquaredError&) const {}
  template <UnfusedOperation Op>
  void operator()(const Op&) const {}
};

}  // namespace

std::vector<ConvPacking> conv_packings(const Graph& graph, const Extents& extents, const Binding& binding,
                                       std::span<const std::span<std::byte>> packed) {
  std::vector<ConvPacking> result;
  for (std::size_t i = 0; i < packed.size(); ++i)
    if (!packed[i].empty()) std::visit(AddPacking{graph, extents, binding, packed[i], result}, graph.operations[i]);
  return result;
}

}  // namespace n2s
