// Scatters tiles on a GPU: one pixel of a tile per thread.
#include "kernels/base/error.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"
#include "kernels/device/precision.h"
#include "kernels/scatter_tiles/cuda.h"

namespace n2s::device {
namespace {

constexpr int kBlockWidth = 32;
constexpr int kBlockHeight = 8;

template <typename T>
struct ScatterArguments {
  const T* tiles = nullptr;
  int height = 0, width = 0, stored = 0;  // of a tile; channels as stored
  const KeptTile* kept = nullptr;
  float* planes = nullptr;
  int plane_height = 0, plane_width = 0;
};

/// One pixel of a tile per thread.
template <typename T>
__global__ void scatter_kernel(const ScatterArguments<T> a) {
  const auto x = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const auto y = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  const auto n = static_cast<std::ptrdiff_t>(blockIdx.z);
  if (x >= a.width || y >= a.height) return;
  const KeptTile kept = a.kept[n];
  const int row = kept.top + y;
  const int column = kept.left + x;
  if (row < kept.keep_top || row >= kept.keep_bottom || column < kept.keep_left || column >= kept.keep_right) return;
  a.planes[(static_cast<std::ptrdiff_t>(kept.plane) * a.plane_height + row) * a.plane_width + column] =
      to_float(a.tiles[((n * a.height + y) * a.width + x) * a.stored]);
}

template <typename T>
void scatter_as(const DeviceScatter& p, cudaStream_t stream) {
  const Shape& s = p.tiles.shape;
  const ScatterArguments<T> a{static_cast<const T*>(p.tiles.data),
                              s.height,
                              s.width,
                              padded_channels(s.channels),
                              p.kept,
                              p.planes,
                              p.height,
                              p.width};
  LaunchShape shape;
  shape.block = dim3(kBlockWidth, kBlockHeight);
  shape.grid = dim3(blocks_for(static_cast<std::size_t>(s.width), kBlockWidth),
                    blocks_for(static_cast<std::size_t>(s.height), kBlockHeight), static_cast<unsigned>(p.count));
  shape.stream = stream;
  launch("scattering tiles", scatter_kernel<T>, shape, a);
}

}  // namespace

void scatter_tiles(const DeviceScatter& problem, Precision precision, cudaStream_t stream) {
  const Shape& shape = problem.tiles.shape;
  if (!problem.tiles || shape.elements() == 0 || shape.channels != 1 || problem.count > shape.batch)
    throw Error("scattering tiles: the sizes do not fit together");
  if (problem.count == 0) return;
  with_element(precision, [&](auto zero) { scatter_as<decltype(zero)>(problem, stream); });
}

}  // namespace n2s::device
