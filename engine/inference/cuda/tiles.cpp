// Loads as many planes as fit, gathers tiles from them and scatters results, all on the backend's stream.
#include "engine/inference/cuda/tiles.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "data/plane_selection.h"
#include "engine/inference/tile_placement.h"
#include "kernels/device/check.h"
#include "kernels/normalise/cuda.h"

namespace n2s::device {
namespace {

constexpr const char* kTilesWork = "restoring planes on the GPU";

std::vector<int> neighbours_of(const TileRequest& request, int plane) {
  return neighbour_planes(request.noisy.planes, plane, request.planes, request.gap);
}

int farthest_neighbour(const TileRequest& request) {
  int reach = 0;
  for (int plane = 0; plane < request.noisy.planes; ++plane)
    for (const int neighbour : neighbours_of(request, plane)) reach = std::max(reach, std::abs(neighbour - plane));
  return reach;
}

template <typename T>
CudaArray<T> uploaded(const std::vector<T>& host, cudaStream_t stream) {
  CudaArray<T> array = cuda_array<T>(host.size());
  cuda_upload(array.get(), std::as_bytes(std::span(host)), stream, kTilesWork);
  return array;
}

}  // namespace

CudaTiles::CudaTiles(const TileRequest& request, Precision precision, cudaStream_t stream)
    : request_(request),
      precision_(precision),
      stream_(stream),
      pixels_(plane_pixels(request.noisy)),
      reach_(farthest_neighbour(request)) {
  // Of each plane there is what is seen and what comes out; of those at the ends only what is seen.
  const std::size_t planes = request.limit / (pixels_ * sizeof(float));
  const std::size_t ends = 2 * static_cast<std::size_t>(reach_);
  const std::size_t fit = planes > ends ? (planes - ends) / 2 : 0;
  at_once_ = static_cast<int>(std::clamp(fit, std::size_t{1}, static_cast<std::size_t>(request.noisy.planes)));
  const auto seen = static_cast<std::size_t>(std::min(at_once_ + 2 * reach_, request.noisy.planes));
  seen_ = cuda_array<float>(seen * pixels_);
  restored_ = cuda_array<float>(static_cast<std::size_t>(at_once_) * pixels_);
  for (CudaEvent& event : done_) event = cuda_event();
}

CudaTiles::~CudaTiles() {
  cudaStreamSynchronize(stream_);
}

void CudaTiles::load(const PlaneRange& planes, std::vector<Tile> tiles) {
  range_ = planes;
  plan(load_planes(planes), std::move(tiles));
}

/// The range with its neighbours, which is uploaded.
PlaneRange CudaTiles::load_planes(const PlaneRange& planes) {
  const int first = std::max(planes.first - reach_, 0);
  const int end = std::min(planes.first + planes.count + reach_, request_.noisy.planes);
  const std::size_t count = static_cast<std::size_t>(end - first) * pixels_;
  const auto voxels = std::span(request_.noisy.voxels).subspan(static_cast<std::size_t>(first) * pixels_, count);
  cuda_upload(seen_.get(), std::as_bytes(voxels), stream_, kTilesWork);
  DeviceNormalise normalisation{seen_.get(), count, request_.normalisation.scale, request_.normalisation.offset};
  normalisation.clip_low = request_.normalisation.clip_low.value_or(normalisation.clip_low);
  normalisation.clip_high = request_.normalisation.clip_high.value_or(normalisation.clip_high);
  normalise(normalisation, stream_);
  return {first, end - first};
}

void CudaTiles::plan(const PlaneRange& seen, std::vector<Tile> tiles) {
  tiles_ = tiles.size();
  const auto batch = static_cast<std::size_t>(request_.extents.batch);
  tiles.resize((tiles_ + batch - 1) / batch * batch, tiles.back());
  std::vector<PlannedSample> samples;
  std::vector<PlannedPlane> windows;
  std::vector<KeptTile> kept;
  samples.reserve(tiles.size());
  windows.reserve(tiles.size() * static_cast<std::size_t>(request_.planes));
  kept.reserve(tiles.size());
  for (const Tile& tile : tiles) {
    samples.push_back({request_.noisy.height, request_.noisy.width, tile_draw(tile)});
    for (const int neighbour : neighbours_of(request_, tile.plane))
      windows.push_back({seen_.get() + static_cast<std::size_t>(neighbour - seen.first) * pixels_, false, {}});
    kept.push_back(kept_tile(tile, range_.first, request_.noisy));
  }
  samples_ = uploaded(samples, stream_);
  windows_ = uploaded(windows, stream_);
  kept_ = uploaded(kept, stream_);
}

void CudaTiles::gather(std::size_t first, Executor& executor) {
  check(cudaEventSynchronize(done_[batches_ % done_.size()].get()), kTilesWork);
  const ValueId id = executor.graph().input;
  DeviceGather gather;
  gather.samples = samples_.get() + first;
  gather.planes = windows_.get() + first * static_cast<std::size_t>(request_.planes);
  gather.stride = request_.planes;
  gather.augmentation = tile_window(request_.extents);
  gather.out = device_tensor(executor.data(id), executor.shape(id), precision_);
  gather_planes(gather, precision_, stream_);
}

void CudaTiles::keep(std::size_t first, Executor& executor) {
  const ValueId id = executor.graph().output;
  DeviceScatter scatter;
  scatter.tiles = device_tensor(executor.data(id), executor.shape(id), precision_);
  scatter.kept = kept_.get() + first;
  scatter.count = static_cast<int>(std::min(static_cast<std::size_t>(request_.extents.batch), tiles_ - first));
  scatter.planes = restored_.get();
  scatter.height = request_.noisy.height;
  scatter.width = request_.noisy.width;
  scatter_tiles(scatter, precision_, stream_);
  check(cudaEventRecord(done_[batches_++ % done_.size()].get(), stream_), kTilesWork);
}

void CudaTiles::take() {
  const std::size_t count = static_cast<std::size_t>(range_.count) * pixels_;
  denormalise({restored_.get(), count, request_.normalisation.scale, request_.normalisation.offset}, stream_);
  const auto voxels =
      std::span(request_.restored.voxels).subspan(static_cast<std::size_t>(range_.first) * pixels_, count);
  cuda_download(std::as_writable_bytes(voxels), restored_.get(), stream_, kTilesWork);
}

}  // namespace n2s::device
