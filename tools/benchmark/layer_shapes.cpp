// Collects the convolution shapes from the fused graphs of all networks.
#include "tools/benchmark/layer_shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/graph/fusion.h"
#include "nets/network.h"

namespace n2s {
namespace {

bool same(const Conv3x3Layer& a, const Conv3x3Layer& b) {
  return a.height == b.height && a.width == b.width && a.low_channels == b.low_channels &&
         a.skip_channels == b.skip_channels && a.out_channels == b.out_channels;
}

void append_layers(const Network& network, const Extents& extents, std::vector<LayerShape>& shapes) {
  const Graph graph = fuse(network.build(network.paper_planes));
  const std::size_t first = shapes.size();
  for (const Operation& operation : graph.operations) {
    const auto* conv = std::get_if<Convolution>(&operation);
    if (conv == nullptr) continue;
    const auto shape = [&](ValueId id) {
      return id == kNone ? Shape{} : shape_of(graph.values.at(static_cast<std::size_t>(id)), extents);
    };
    const Shape low = shape(conv->low);
    const Shape skip = shape(conv->skip);
    const Layer& layer = graph.layers.at(static_cast<std::size_t>(conv->layer));
    const Conv3x3Layer found{extents.batch,
                             std::max(skip.height, 2 * low.height),
                             std::max(skip.width, 2 * low.width),
                             low.channels,
                             skip.channels,
                             layer.out_channels};
    const auto known = std::find_if(shapes.begin() + static_cast<std::ptrdiff_t>(first), shapes.end(),
                                    [&](const LayerShape& s) { return same(s.layer, found); });
    if (known == shapes.end()) shapes.push_back({fmt::format("{} {}", network.name, layer.name), found});
  }
}

}  // namespace

std::vector<LayerShape> layer_shapes(const Extents& extents) {
  std::vector<LayerShape> shapes;
  for (const Network& network : networks()) append_layers(network, extents, shapes);
  return shapes;
}

}  // namespace n2s
