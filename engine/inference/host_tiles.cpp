// Gathers tiles into the executor's input and scatters its output, on the host.
#include "engine/inference/host_tiles.h"

#include <algorithm>
#include <span>
#include <utility>

#include "data/plane_selection.h"
#include "engine/inference/tile_placement.h"
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {

HostTiles::HostTiles(const TileRequest& request) : request_(request), noisy_(request.noisy) {
  apply_normalisation(request.normalisation, noisy_.voxels);
}

void HostTiles::load(const PlaneRange& planes, std::vector<Tile> tiles) {
  range_ = planes;
  tiles_ = std::move(tiles);
}

void HostTiles::gather(std::size_t first, Executor& executor) {
  const ValueId id = executor.graph().input;
  const Shape shape = executor.shape(id);
  input_.resize(static_cast<std::size_t>(shape.elements()));
  for (int n = 0; n < shape.batch; ++n) {
    const Tile& tile = tiles_[std::min(first + static_cast<std::size_t>(n), tiles_.size() - 1)];
    const std::vector<int> neighbours = neighbour_planes(noisy_.planes, tile.plane, request_.planes, request_.gap);
    GatherPlane gather{nullptr, noisy_.height, noisy_.width, tile_window(request_.extents), tile_draw(tile)};
    for (int channel = 0; channel < shape.channels; ++channel) {
      const auto plane = static_cast<std::size_t>(neighbours[static_cast<std::size_t>(channel)]);
      gather.plane = noisy_.voxels.data() + plane * plane_pixels(noisy_);
      gather_plane(gather, {input_.data(), shape}, n, channel);
    }
  }
  executor.set(id, input_);
}

void HostTiles::keep(std::size_t first, Executor& executor) {
  const ValueId id = executor.graph().output;
  const Shape shape = executor.shape(id);
  const std::vector<float> output = executor.get(id);
  const std::size_t end = std::min(first + static_cast<std::size_t>(shape.batch), tiles_.size());
  for (std::size_t i = first; i < end; ++i)
    scatter_tile({output.data(), shape}, static_cast<int>(i - first), kept_tile(tiles_[i], 0, noisy_),
                 request_.restored.voxels.data(), noisy_.height, noisy_.width);
}

void HostTiles::take() {
  const std::size_t pixels = plane_pixels(noisy_);
  undo_normalisation(request_.normalisation, std::span(request_.restored.voxels)
                                                 .subspan(static_cast<std::size_t>(range_.first) * pixels,
                                                          static_cast<std::size_t>(range_.count) * pixels));
}

}  // namespace n2s
