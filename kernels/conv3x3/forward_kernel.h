// The forward convolution on a GPU, for any matrix tile: a block computes 256 pixels by BN channels, then bias,
// activation, residual and pooling, from sums that never leave the chip.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/conv3x3/packing.h"
#include "kernels/conv3x3/tile_loop.h"
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
  int height = 0, width = 0;  // of the output
  int tiles_across = 0;
  int out_channels = 0, out_stored = 0;
  const float* bias = nullptr;
  float slope = 1;
  const T* residual = nullptr;
  int residual_stored = 0, residual_channel = 0;
  T* out = nullptr;
  T* pooled = nullptr;
  std::uint16_t* argmax = nullptr;
};

/// Where a block's outputs begin, and where its sums lie when staged.
template <bool Phased>
struct OutputTile {
  static constexpr int kRows = Phased ? 8 : 16;
  static constexpr int kColumns = Phased ? 32 : 16;
  __device__ __forceinline__ static int staged_pixel(int y, int x) {
    if constexpr (Phased) return (y % 2 * 2 + x % 2) * 64 + y / 2 * 16 + x / 2;
    return y * 16 + x;
  }
};

/// Bias, activation and residual for eight channels of one pixel; channels that are padding become 0.
template <typename T>
__device__ __forceinline__ void finish(float (&v)[8], const ForwardArguments<T>& a, int channel, std::size_t pixel) {
  const float residual =
      a.residual != nullptr ? to_float(a.residual[pixel * a.residual_stored + a.residual_channel]) : 0.0F;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const bool real = channel + i < a.out_channels;
    float sum = v[i] + (real && a.bias != nullptr ? a.bias[channel + i] : 0.0F);
    sum = sum > 0 ? sum : a.slope * sum;
    v[i] = real ? sum + residual : 0.0F;
  }
}

/// One 2x2 window of outputs, eight channels: stores them, their maximum and where it is.
template <typename T, bool Phased>
__device__ __forceinline__ void write_window(const float* staged, const ForwardArguments<T>& a, int image, int y0,
                                             int x0, int window, int channel, int staged_channel) {
  constexpr int kAcross = OutputTile<Phased>::kColumns / 2;
  const int wy = 2 * (window / kAcross);
  const int wx = 2 * (window % kAcross);
  float maximum[8] = {};
  unsigned positions = 0;
#pragma unroll
  for (int position = 0; position < 4; ++position) {
    const int y = wy + position / 2;
    const int x = wx + position % 2;
    if (y0 + y >= a.height || x0 + x >= a.width) continue;
    const float* from = staged + OutputTile<Phased>::staged_pixel(y, x) * kStagedPitch + staged_channel;
    float v[8];
    load8(from, v);
    const std::size_t pixel = (static_cast<std::size_t>(image) * a.height + (y0 + y)) * a.width + (x0 + x);
    finish(v, a, channel, pixel);
    if (a.out != nullptr) store8(a.out + pixel * a.out_stored + channel, v);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      // Of values that are equal once rounded the first one counts, on every device.
      const float rounded = to_float(from_float<T>(v[i]));
      if (position == 0 || rounded > maximum[i]) {
        maximum[i] = rounded;
        positions = (positions & ~(3U << (2 * i))) | (static_cast<unsigned>(position) << (2 * i));
      }
    }
  }
  if (a.pooled == nullptr || y0 + wy >= a.height || x0 + wx >= a.width) return;
  const std::size_t half =
      (static_cast<std::size_t>(image) * (a.height / 2) + (y0 + wy) / 2) * (a.width / 2) + (x0 + wx) / 2;
  store8(a.pooled + half * a.out_stored + channel, maximum);
  if (a.argmax != nullptr) a.argmax[(half * a.out_stored + channel) / 8] = static_cast<std::uint16_t>(positions);
}

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
    const int height = a.height / 2;
    const int width = a.width / 2;
    const ImageSource<T> low{a.low + static_cast<std::size_t>(image) * height * width * a.low_channels, height, width,
                             a.low_channels};
    accumulate<Tile, PhaseLowTaps, BN>(
        sums, shared, low, y0 / 2 - 1, x0 / 2 - 1,
        a.low_weights + static_cast<std::size_t>(n_tile) * a.low_chunks * (PhaseLowTaps::kTaps * Tile::kChunk * BN),
        a.low_chunks);
  }
  const ImageSource<T> skip{a.skip + static_cast<std::size_t>(image) * a.height * a.width * a.skip_channels, a.height,
                            a.width, a.skip_channels};
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
    const int window = static_cast<int>(threadIdx.x) / 2;
    const int staged_channel = static_cast<int>(threadIdx.x) % 2 * 8;
    const int channel = n_tile * BN + 16 * n + staged_channel;
    if (channel < a.out_stored) write_window<T, Phased>(staged, a, image, y0, x0, window, channel, staged_channel);
    if (n + 1 < BN / 16) __syncthreads();
  }
}

/// Bytes of shared memory of a block: the loop's chunks, or the staged sums.
template <typename Tile, int BN, bool Phased>
inline constexpr std::size_t kForwardShared = std::max<std::size_t>(
    {static_cast<std::size_t>(256) * kStagedPitch * sizeof(float),
     sizeof(typename Tile::Element) *
         static_cast<std::size_t>(Phased ? std::max(kTileLoopElements<Tile, PhaseLowTaps, BN, true>,
                                                    kTileLoopElements<Tile, PhaseSkipTaps, BN, true>)
                                         : kTileLoopElements<Tile, PlainTaps, BN, true>)});

template <typename Tile, int BN, bool Phased>
void launch_forward(const ForwardArguments<typename Tile::Element>& a, int batch, int n_tiles, cudaStream_t stream) {
  using Output = OutputTile<Phased>;
  const int tiles_down = (a.height + Output::kRows - 1) / Output::kRows;
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
void run_forward(const DeviceConvForward& p, const ConvMode& mode, cudaStream_t stream) {
  using T = typename Tile::Element;
  const Shape& low = p.source.low.shape;
  const Shape& skip = p.source.skip.shape;
  const bool phased = static_cast<bool>(p.source.low);
  const PackedParts parts =
      forward_parts(phased ? low.channels : 0, p.source.skip ? skip.channels : 0, p.out_channels, mode);
  ForwardArguments<T> a;
  a.low = static_cast<const T*>(p.source.low.data);
  a.skip = static_cast<const T*>(p.source.skip.data);
  a.low_channels = phased ? padded_channels(low.channels) : 0;
  a.skip_channels = p.source.skip ? padded_channels(skip.channels) : 0;
  a.low_chunks = parts.low.chunks();
  a.skip_chunks = parts.skip.chunks();
  a.low_weights = static_cast<const T*>(p.packed);
  a.skip_weights = a.low_weights + parts.low.elements();
  a.height = phased ? 2 * low.height : skip.height;
  a.width = phased ? 2 * low.width : skip.width;
  a.tiles_across = (a.width + (phased ? 31 : 15)) / (phased ? 32 : 16);
  a.out_channels = p.out_channels;
  a.out_stored = padded_channels(p.out_channels);
  a.bias = p.bias;
  a.slope = p.slope;
  a.residual = static_cast<const T*>(p.residual.data);
  a.residual_stored = padded_channels(p.residual.shape.channels);
  a.residual_channel = p.residual_channel;
  a.out = static_cast<T*>(p.out.data);
  a.pooled = static_cast<T*>(p.pooled.data);
  a.argmax = p.argmax;
  const int batch = phased ? low.batch : skip.batch;
  if (phased) return launch_forward<Tile, true>(a, batch, parts.low, stream);
  launch_forward<Tile, false>(a, batch, parts.skip, stream);
}

}  // namespace n2s::device
