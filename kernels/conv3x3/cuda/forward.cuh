// The forward pass on a GPU, for any matrix tile: a block computes 256 pixels by BN channels, then bias, activation,
// residual and pooling, from sums that never leave the chip.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/tile_loop.cuh"
#include "kernels/conv3x3/cuda/window.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {

template <typename T>
struct ForwardArguments {
  const T* low = nullptr;
  const T* skip = nullptr;
  int low_channels = 0, skip_channels = 0;  // as stored
  int low_chunks = 0, skip_chunks = 0;
  const T* low_weights = nullptr;
  const T* skip_weights = nullptr;
  int tiles_across = 0;
  Outputs<T> to;
};

/// Output pixels of a block, and the order of its sums when staged.
template <bool Phased>
struct OutputTile {
  static constexpr int kRows = Phased ? 8 : 16;
  static constexpr int kColumns = Phased ? 32 : 16;
  __device__ __forceinline__ static int staged_pixel(int y, int x) {
    if constexpr (Phased) return (y % 2 * 2 + x % 2) * 64 + y / 2 * 16 + x / 2;
    return y * 16 + x;
  }
};

template <typename Tile, int BN, bool Phased>
__global__ void __launch_bounds__(kThreads, Tile::kBlocks)
    forward_kernel(const ForwardArguments<typename Tile::Element> a) {
  using T = typename Tile::Element;
  using Output = OutputTile<Phased>;
  auto* shared = shared_memory<T>();
  const int n_tile = static_cast<int>(blockIdx.x);
  const int y0 = static_cast<int>(blockIdx.y) / a.tiles_across * Output::kRows;
  const int x0 = static_cast<int>(blockIdx.y) % a.tiles_across * Output::kColumns;
  const auto image = static_cast<int>(blockIdx.z);

  typename Tile::Accumulator sums[4][BN / 16];
#pragma unroll
  for (int m = 0; m < 4; ++m)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n) Tile::clear(sums[m][n]);

  if constexpr (Phased) {
    const int height = a.to.height / 2;
    const int width = a.to.width / 2;
    const ImageSource<T> low{a.low + static_cast<std::size_t>(image) * height * width * a.low_channels, height, width,
                             a.low_channels};
    accumulate<Tile, PhaseLowTaps, BN>(
        sums, shared, low, y0 / 2 - 1, x0 / 2 - 1,
        a.low_weights + static_cast<std::size_t>(n_tile) * a.low_chunks * (PhaseLowTaps::kTaps * Tile::kChunk * BN),
        a.low_chunks);
  }
  const ImageSource<T> skip{a.skip + static_cast<std::size_t>(image) * a.to.height * a.to.width * a.skip_channels,
                            a.to.height, a.to.width, a.skip_channels};
  using SkipTaps = std::conditional_t<Phased, PhaseSkipTaps, PlainTaps>;
  accumulate<Tile, SkipTaps, BN>(
      sums, shared, skip, y0 - 1, x0 - 1,
      a.skip_weights + static_cast<std::size_t>(n_tile) * a.skip_chunks * (SkipTaps::kTaps * Tile::kChunk * BN),
      a.skip_chunks);

  auto* staged = shared_memory<float>();
#pragma unroll 1
  for (int n = 0; n < BN / 16; ++n) {
    stage<Tile>(staged, sums, n);
    __syncthreads();
    const int staged_channel = static_cast<int>(threadIdx.x) % 2 * 8;
    const int channel = n_tile * BN + 16 * n + staged_channel;
    if (channel < a.to.stored) {
      const int window = static_cast<int>(threadIdx.x) / 2;
      const int y = 2 * (window / (Output::kColumns / 2));
      const int x = 2 * (window % (Output::kColumns / 2));
      write_window(a.to, image, y0 + y, x0 + x, channel, [&](float(&v)[8], int dy, int dx, std::size_t) {
        load8(staged + Output::staged_pixel(y + dy, x + dx) * Tile::kStagedPitch + staged_channel, v);
      });
    }
    if (n + 1 < BN / 16) __syncthreads();
  }
}

/// Bytes of shared memory of a block: the loop's, or the staged sums.
template <typename Tile, int BN, bool Phased, typename Source = ImageSource<typename Tile::Element>>
inline constexpr std::size_t kForwardShared = std::max<std::size_t>(
    256 * Tile::kStagedPitch * sizeof(float),
    Phased ? std::max(kTileLoopBytes<Tile, PhaseLowTaps, BN, Source>, kTileLoopBytes<Tile, PhaseSkipTaps, BN, Source>)
           : kTileLoopBytes<Tile, PlainTaps, BN, Source>);

template <typename Tile, int BN, bool Phased>
void launch_forward(const ForwardArguments<typename Tile::Element>& a, int batch, int n_tiles, cudaStream_t stream) {
  using Output = OutputTile<Phased>;
  const int tiles_down = (a.to.height + Output::kRows - 1) / Output::kRows;
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(n_tiles), static_cast<unsigned>(tiles_down * a.tiles_across),
                    static_cast<unsigned>(batch));
  shape.block = dim3(kThreads);
  shape.shared_bytes = kForwardShared<Tile, BN, Phased>;
  shape.stream = stream;
  launch("convolution", forward_kernel<Tile, BN, Phased>, shape, a);
}

template <typename Tile, bool Phased>
void launch_forward(const ForwardArguments<typename Tile::Element>& a, int batch, const PackedPart& part,
                    cudaStream_t stream) {
  if (part.columns == 48) return launch_forward<Tile, 48, Phased>(a, batch, part.tiles(), stream);
  if (part.columns == 32) return launch_forward<Tile, 32, Phased>(a, batch, part.tiles(), stream);
  launch_forward<Tile, 16, Phased>(a, batch, part.tiles(), stream);
}

template <typename Tile>
void run_forward(const Conv3x3Forward& p, const Conv3x3Layer& layer, const ConvMode& mode, cudaStream_t stream) {
  using T = typename Tile::Element;
  const bool phased = layer.low_channels > 0;
  const PackedParts parts = packed_parts(layer, ConvPass::forward, mode);
  ForwardArguments<T> a;
  a.low = static_cast<const T*>(p.source.low.data);
  a.skip = static_cast<const T*>(p.source.skip.data);
  a.low_channels = padded_channels(layer.low_channels);
  a.skip_channels = padded_channels(layer.skip_channels);
  a.low_chunks = parts.low.chunks();
  a.skip_chunks = parts.skip.chunks();
  a.low_weights = reinterpret_cast<const T*>(p.packed.data());
  a.skip_weights = a.low_weights + parts.low.elements();
  a.tiles_across = (layer.width + (phased ? 31 : 15)) / (phased ? 32 : 16);
  a.to = outputs_of<T>(p, layer);
  if (phased) return launch_forward<Tile, true>(a, layer.batch, parts.low, stream);
  launch_forward<Tile, false>(a, layer.batch, parts.skip, stream);
}

}  // namespace n2s::device
