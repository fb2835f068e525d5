// One pass over the convolutions: each absorbs what surrounds it. Then what nobody reads any more is dropped.
#include "engine/graph/fusion.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace n2s {
namespace {

class Fusion {
 public:
  explicit Fusion(Graph graph) : graph_(std::move(graph)), removed_(graph_.operations.size(), false) {}

  Graph run() {
    for (std::size_t i = 0; i < graph_.operations.size(); ++i) {
      if (!std::holds_alternative<Convolution>(graph_.operations[i])) continue;
      Convolution conv = std::get<Convolution>(graph_.operations[i]);
      absorb_source(conv);
      absorb_activation(conv);
      absorb_residual(conv);
      absorb_pool(conv);
      graph_.operations[i] = conv;
    }
    drop_removed();
    drop_unread();
    return std::move(graph_);
  }

 private:
  template <typename Op, typename Test>
  std::optional<std::size_t> find(Test&& test) const {
    for (std::size_t i = 0; i < graph_.operations.size(); ++i)
      if (!removed_[i] && std::holds_alternative<Op>(graph_.operations[i]) && test(std::get<Op>(graph_.operations[i])))
        return i;
    return std::nullopt;
  }

  int readers(ValueId value) const {
    int count = value == graph_.output ? 1 : 0;
    for (std::size_t i = 0; i < graph_.operations.size(); ++i) {
      if (removed_[i]) continue;
      const Access a = access(graph_.operations[i]);
      count += static_cast<int>(std::count(a.reads.begin(), a.reads.end(), value));
    }
    return count;
  }

  // conv(concat(upsample(low), skip)) and conv(upsample(low)). The producers stay: drop_unread removes them once
  // their last reader is gone.
  void absorb_source(Convolution& conv) {
    ValueId first = conv.skip;
    ValueId second = kNone;
    if (const auto at = find<Concat>([&](const Concat& op) { return op.out == conv.skip; })) {
      first = std::get<Concat>(graph_.operations[*at]).first;
      second = std::get<Concat>(graph_.operations[*at]).second;
    }
    if (const auto at = find<Upsample>([&](const Upsample& op) { return op.out == first; })) {
      conv.low = std::get<Upsample>(graph_.operations[*at]).in;
      conv.skip = second;
    }
  }

  void absorb_activation(Convolution& conv) {
    if (readers(conv.out) != 1) return;
    const auto at = find<Activation>([&](const Activation& op) { return op.in == conv.out; });
    if (!at) return;
    conv.slope = std::get<Activation>(graph_.operations[*at]).slope;
    conv.out = std::get<Activation>(graph_.operations[*at]).out;
    removed_[*at] = true;
  }

  // Only behind a linear convolution: the sign of the sum says nothing about the sign before the activation.
  void absorb_residual(Convolution& conv) {
    if (conv.slope != 1 || readers(conv.out) != 1) return;
    const auto at = find<AddPlane>([&](const AddPlane& op) { return op.in == conv.out; });
    if (!at) return;
    const auto& add = std::get<AddPlane>(graph_.operations[*at]);
    conv.residual = add.source;
    conv.residual_channel = add.channel;
    conv.out = add.out;
    removed_[*at] = true;
  }

  void absorb_pool(Convolution& conv) {
    const auto at = find<MaxPool>([&](const MaxPool& op) { return op.in == conv.out; });
    if (!at || conv.residual != kNone) return;
    const auto& pool = std::get<MaxPool>(graph_.operations[*at]);
    conv.pooled = pool.out;
    conv.argmax = pool.argmax;
    removed_[*at] = true;
    if (readers(conv.out) == 0) conv.out = kNone;
  }

  void drop_removed() {
    std::vector<Operation> kept;
    for (std::size_t i = 0; i < graph_.operations.size(); ++i)
      if (!removed_[i]) kept.push_back(graph_.operations[i]);
    graph_.operations = std::move(kept);
    removed_.assign(graph_.operations.size(), false);
  }

  void drop_unread() {
    for (std::size_t i = graph_.operations.size(); i-- > 0;) {
      const Access a = access(graph_.operations[i]);
      removed_[i] = std::all_of(a.writes.begin(), a.writes.end(), [&](ValueId v) { return readers(v) == 0; });
    }
    drop_removed();
  }

  Graph graph_;
  std::vector<bool> removed_;
};

}  // namespace

Graph fuse(Graph graph) {
  return Fusion(std::move(graph)).run();
}

}  // namespace n2s
