// The receptive field, followed from one output pixel back to the input pixels that it depends on, along one axis.
#include "engine/graph/receptive_field.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace n2s {
namespace {

/// Pixels [first, last] at a value's own resolution; none where last < first.
struct Interval {
  int first = 0, last = -1;

  bool empty() const { return last < first; }
};

Interval hull(const Interval& a, const Interval& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.first, b.first), std::max(a.last, b.last)};
}

// What an interval of an operation's output depends on in its input. Positions may be negative, hence the shift: it
// rounds down.
Interval before_conv3x3(const Interval& out) {
  return out.empty() ? out : Interval{out.first - 1, out.last + 1};
}
Interval before_pool(const Interval& out) {
  return out.empty() ? out : Interval{2 * out.first, 2 * out.last + 1};
}
Interval before_blurpool(const Interval& out) {
  return out.empty() ? out : Interval{2 * out.first - 1, 2 * out.last + 2};
}
Interval before_upsample(const Interval& out) {
  return out.empty() ? out : Interval{out.first >> 1, out.last >> 1};
}

/// Visits operations from the last to the first and collects, for each value, what the output depends on.
class Dependencies {
 public:
  Dependencies(const Graph& graph, int output_pixel) : needed_(graph.values.size()) {
    at(graph.output) = {output_pixel, output_pixel};
    for (auto operation = graph.operations.rbegin(); operation != graph.operations.rend(); ++operation)
      std::visit(*this, *operation);
  }

  Interval of(ValueId id) const { return id == kNone ? Interval{} : needed_.at(static_cast<std::size_t>(id)); }

  void operator()(const Convolution& op) {
    const Interval out = hull(of(op.out), before_pool(of(op.pooled)));
    need(op.residual, out);
    need(op.skip, before_conv3x3(out));
    need(op.low, before_upsample(before_conv3x3(out)));
  }
  void operator()(const Activation& op) { need(op.in, of(op.out)); }
  void operator()(const MaxPool& op) { need(op.in, before_pool(of(op.out))); }
  void operator()(const BlurPool& op) { need(op.in, before_blurpool(of(op.out))); }
  void operator()(const Upsample& op) { need(op.in, before_upsample(of(op.out))); }
  void operator()(const Concat& op) { need(op.first, of(op.out)), need(op.second, of(op.out)); }
  void operator()(const AddPlane& op) { need(op.in, of(op.out)), need(op.source, of(op.out)); }
  void operator()(const BackwardOperation auto&) {
    throw Error("the receptive field is that of a forward graph: compute it before differentiation");
  }

 private:
  Interval& at(ValueId id) { return needed_.at(static_cast<std::size_t>(id)); }
  void need(ValueId id, const Interval& interval) {
    if (id != kNone) at(id) = hull(at(id), interval);
  }

  std::vector<Interval> needed_;
};

}  // namespace

int receptive_radius(const Graph& graph) {
  int radius = 0;
  // Pooling windows are aligned to the plane, so the field depends on where in a window the output pixel lies.
  for (int pixel = 0; pixel < 1 << depth(graph); ++pixel) {
    const Interval seen = Dependencies(graph, pixel).of(graph.input);
    if (!seen.empty()) radius = std::max({radius, pixel - seen.first, seen.last - pixel});
  }
  return radius;
}

}  // namespace n2s
