#include "engine/inference.h"

#include <algorithm>
#include <span>

#include "data/plane_selection.h"
#include "engine/tiling.h"
#include "kernels/base/reflect.h"

namespace n2s {
namespace {

constexpr int kPixelsARun = 1 << 16;  // enough work to keep every thread busy
constexpr int kLargestBatch = 16;

/// A tile of a plane of the padded stack.
struct Tile {
  int plane;
  TileSpan y, x;
};

int planes_in(const Graph& graph) {
  return graph.values.at(static_cast<std::size_t>(graph.input)).channels;
}

std::vector<Tile> cut(const Stack& stack, const Extents& extents, const TileRule& rule) {
  const auto rows = tile_axis(padded_length(stack.height, rule.divisor), extents.height, rule);
  const auto columns = tile_axis(padded_length(stack.width, rule.divisor), extents.width, rule);
  std::vector<Tile> tiles;
  for (int plane = 0; plane < stack.planes; ++plane)
    for (const TileSpan& y : rows)
      for (const TileSpan& x : columns) tiles.push_back({plane, y, x});
  return tiles;
}

/// Fills image `n` of the network's input; outside the plane it is continued by reflection.
void fill(FloatTensor input, int n, const Stack& stack, const Tile& tile, std::span<const int> neighbours) {
  for (int y = 0; y < input.shape.height; ++y) {
    const int row = reflect(tile.y.begin + y, stack.height);
    for (int x = 0; x < input.shape.width; ++x) {
      const int column = reflect(tile.x.begin + x, stack.width);
      float* pixel = input.pixel(n, y, x);
      for (const int plane : neighbours)
        *pixel++ = stack.voxels[(static_cast<std::size_t>(plane) * static_cast<std::size_t>(stack.height) +
                                 static_cast<std::size_t>(row)) *
                                    static_cast<std::size_t>(stack.width) +
                                static_cast<std::size_t>(column)];
    }
  }
}

/// Copies what is kept of image `n` of the output into the restored stack, and drops the padding.
void keep(ConstFloatTensor output, int n, const Tile& tile, Stack& stack) {
  for (int y = tile.y.keep_begin; y < std::min(tile.y.keep_end, stack.height); ++y)
    for (int x = tile.x.keep_begin; x < std::min(tile.x.keep_end, stack.width); ++x)
      stack.voxels[(static_cast<std::size_t>(tile.plane) * static_cast<std::size_t>(stack.height) +
                    static_cast<std::size_t>(y)) *
                       static_cast<std::size_t>(stack.width) +
                   static_cast<std::size_t>(x)] = *output.pixel(n, y - tile.y.begin, x - tile.x.begin);
}

}  // namespace

InferencePlan plan_inference(const Backend& backend, const InferenceNetwork& network, int height, int width,
                             const InferenceOptions& options) {
  const int divisor = 1 << depth(*network.graph);
  const std::size_t limit = options.memory_limit > 0 ? options.memory_limit : backend.free_bytes() / 2;
  const int full_height = padded_length(height, divisor);
  const int full_width = padded_length(width, divisor);
  const int smallest = 2 * padded_length(network.receptive_radius, divisor) + divisor;
  const auto plan_of = [&](int side) {
    InferencePlan plan;
    plan.extents = {1, std::min(full_height, side), std::min(full_width, side)};
    plan.tiled = plan.extents.height < full_height || plan.extents.width < full_width;
    plan.extents.batch = std::clamp(kPixelsARun / (plan.extents.height * plan.extents.width), 1, kLargestBatch);
    plan.arena_bytes = plan_for(backend, *network.graph, plan.extents).arena_bytes;
    return plan;
  };
  if (options.tile > 0) return plan_of(std::max(padded_length(options.tile, divisor), smallest));
  int side = std::max(full_height, full_width);
  InferencePlan plan = plan_of(side);
  while (plan.arena_bytes > limit && side > smallest) {
    side = std::max(smallest, padded_length(side * 3 / 4, divisor) - divisor);
    plan = plan_of(side);
  }
  return plan;
}

Stack restore_stack(Backend& backend, const InferenceNetwork& network, const ParameterMemory& parameters,
                    const Stack& noisy, const InferenceOptions& options) {
  const Graph& graph = *network.graph;
  const InferencePlan plan = plan_inference(backend, network, noisy.height, noisy.width, options);
  const TileRule rule{1 << depth(graph), network.receptive_radius};
  const std::vector<Tile> tiles = cut(noisy, plan.extents, rule);
  const auto tiles_a_plane = static_cast<long>(tiles.size()) / noisy.planes;
  Executor executor(backend, graph, plan.extents, parameters);
  std::vector<float> input(static_cast<std::size_t>(executor.shape(graph.input).elements()));
  Stack restored = noisy;
  const auto batch = static_cast<std::size_t>(plan.extents.batch);
  for (std::size_t first = 0; first < tiles.size(); first += batch) {
    const std::size_t count = std::min(batch, tiles.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      const Tile& tile = tiles[first + i];
      const std::vector<int> neighbours = neighbour_planes(noisy.planes, tile.plane, planes_in(graph), options.gap);
      fill({input.data(), executor.shape(graph.input)}, static_cast<int>(i), noisy, tile, neighbours);
    }
    executor.set(graph.input, input);
    executor.run();
    const std::vector<float> output = executor.get(graph.output);
    for (std::size_t i = 0; i < count; ++i)
      keep({output.data(), executor.shape(graph.output)}, static_cast<int>(i), tiles[first + i], restored);
    if (options.progress)
      options.progress(static_cast<long>(first + count) / tiles_a_plane, static_cast<long>(noisy.planes));
  }
  return restored;
}

}  // namespace n2s
