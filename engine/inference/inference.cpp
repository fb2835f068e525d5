// Chooses the largest tile and batch that fit, then runs the network over all tiles of all planes.
#include "engine/inference/inference.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace n2s {
namespace {

int planes_in(const Graph& graph) {
  return graph.values.at(static_cast<std::size_t>(graph.input)).channels;
}

/// The tiles that a range of planes is cut into, plane by plane.
std::vector<Tile> cut(const Stack& stack, const PlaneRange& planes, const Extents& extents, const TileRule& rule) {
  const auto rows = tile_axis(padded_length(stack.height, rule.divisor), extents.height, rule);
  const auto columns = tile_axis(padded_length(stack.width, rule.divisor), extents.width, rule);
  std::vector<Tile> tiles;
  tiles.reserve(static_cast<std::size_t>(planes.count) * rows.size() * columns.size());
  for (int plane = planes.first; plane < planes.first + planes.count; ++plane)
    for (const TileSpan& y : rows)
      for (const TileSpan& x : columns) tiles.push_back({plane, y, x});
  return tiles;
}

}  // namespace

InferencePlan plan_inference(const InferenceDevice& device, const InferenceNetwork& network, const StackExtents& stack,
                             const InferenceOptions& options) {
  const Backend& backend = device.backend();
  const int divisor = 1 << depth(*network.graph);
  const std::size_t limit = options.memory_limit > 0 ? options.memory_limit : backend.free_bytes() / 2;
  const int full_height = padded_length(stack.height, divisor);
  const int full_width = padded_length(stack.width, divisor);
  const int smallest = 2 * padded_length(network.receptive_radius, divisor) + divisor;
  const TileRule rule{divisor, network.receptive_radius};
  // Whole planes, or tiles: as many at a time as there are, keep the device busy and fit into the memory.
  const auto plan_of = [&](int side) {
    InferencePlan plan;
    plan.extents = {1, std::min(full_height, side), std::min(full_width, side)};
    plan.tiled = plan.extents.height < full_height || plan.extents.width < full_width;
    const std::size_t tiles = static_cast<std::size_t>(std::max(stack.planes, 1)) *
                              tile_axis(full_height, plan.extents.height, rule).size() *
                              tile_axis(full_width, plan.extents.width, rule).size();
    const int busy = std::max(device.busy_pixels() / (plan.extents.height * plan.extents.width), 1);
    for (std::size_t batches = (tiles - 1) / static_cast<std::size_t>(busy) + 1;; batches *= 2) {
      plan.extents.batch = static_cast<int>((tiles - 1) / batches + 1);  // all about as large: the last is filled up
      plan.arena_bytes = plan_for(backend, *network.graph, plan.extents).arena_bytes;
      if (plan.arena_bytes <= limit || plan.extents.batch == 1) return plan;
    }
  };
  if (options.tile > 0) return plan_of(std::max(padded_length(options.tile, divisor), smallest));
  // Tiles only where a plane does not fit alone: what they overlap is computed twice.
  int side = std::max(full_height, full_width);
  InferencePlan plan = plan_of(side);
  while (plan.arena_bytes > limit && side > smallest) {
    side = std::max(smallest, padded_length(side * 3 / 4, divisor) - divisor);
    plan = plan_of(side);
  }
  return plan;
}

Stack restore_stack(InferenceDevice& device, const InferenceNetwork& network, const ParameterMemory& parameters,
                    const Stack& noisy, const InferenceOptions& options) {
  Backend& backend = device.backend();
  const Graph& graph = *network.graph;
  const InferencePlan plan = plan_inference(device, network, {noisy.planes, noisy.height, noisy.width}, options);
  const TileRule rule{1 << depth(graph), network.receptive_radius};
  Executor executor(backend, graph, plan.extents, parameters);
  Stack restored{noisy.planes, noisy.height, noisy.width, std::vector<float>(noisy.voxels.size())};
  const std::size_t limit = options.memory_limit > 0 ? options.memory_limit : backend.free_bytes() / 2;
  const TileRequest request{noisy, restored, options.normalisation, planes_in(graph), options.gap, plan.extents, limit};
  const std::unique_ptr<StackTiles> stack = device.stack_tiles(request);
  const PlaneRange all = options.targets.count > 0 ? options.targets : PlaneRange{0, noisy.planes};
  const int end = all.first + all.count;
  for (int first = all.first; first < end; first += stack->planes_at_once()) {
    const PlaneRange range{first, std::min(stack->planes_at_once(), end - first)};
    const std::vector<Tile> tiles = cut(noisy, range, plan.extents, rule);
    stack->load(range, tiles);
    for (std::size_t tile = 0; tile < tiles.size(); tile += static_cast<std::size_t>(plan.extents.batch)) {
      stack->gather(tile, executor);
      executor.run();
      stack->keep(tile, executor);
      const std::size_t done = std::min(tile + static_cast<std::size_t>(plan.extents.batch), tiles.size());
      if (options.progress)
        options.progress(
            first - all.first + static_cast<long>(done * static_cast<std::size_t>(range.count) / tiles.size()),
            all.count);
    }
    stack->take();
  }
  return restored;
}

}  // namespace n2s
