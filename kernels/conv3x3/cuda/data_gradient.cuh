// The data gradient on a GPU: a convolution of the output gradient with the flipped, transposed weights. For upsampled
// channels the four pixels that were copied from one are summed on the way, which makes it a convolution with 4x4 taps
// and stride 2.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/conv3x3/cuda/output_gradient.cuh"
#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/tile_loop.cuh"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {

template <typename T>
struct DataGradientArguments {
  OutputGradient<T> from;  // of the whole batch
  const T* weights = nullptr;
  int chunks = 0;
  int height = 0, width = 0;  // of the gradient that is computed
  int tiles_across = 0;
  int channels = 0, stored = 0;
  T* gradient = nullptr;
  const T* activated = nullptr;
  float slope = 1;
  bool accumulate = false;
};

/// What the finishing of eight channels of one pixel reads: the activation's output, whose derivative is applied, and
/// the current gradient, which is added to. Loaded for several pixels at once, before any of them is finished.
template <typename T>
struct GradientInputs {
  static constexpr int kVectors = 8 / kVector<T>;
  Vector<T> activated[kVectors], current[kVectors];

  __device__ __forceinline__ void load(const DataGradientArguments<T>& a, std::size_t offset) {
#pragma unroll
    for (int i = 0; i < kVectors; ++i) {
      if (a.activated != nullptr) activated[i] = load_vector(a.activated + offset + i * kVector<T>);
      if (a.accumulate) current[i] = load_vector(a.gradient + offset + i * kVector<T>);
    }
  }
  __device__ __forceinline__ void finish(const DataGradientArguments<T>& a, float (&v)[8]) const {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      if (a.activated != nullptr && !(to_float(activated[i / kVector<T>][i % kVector<T>]) > 0)) v[i] *= a.slope;
      if (a.accumulate) v[i] += to_float(current[i / kVector<T>][i % kVector<T>]);
    }
  }
};

/// Finishes and stores 16 channels, from `first` on, of a block's staged pixels. pixel_at(i) is the index in the batch
/// of the i-th, negative outside.
template <int Pixels, int StagedPitch, typename T, typename PixelAt>
__device__ __forceinline__ void write_gradients(const float* staged, const DataGradientArguments<T>& a, int first,
                                                const PixelAt& pixel_at) {
  constexpr int kHeld = 2;  // pixels of a thread that wait for memory together
  static_assert(2 * Pixels % (kHeld * kThreads) == 0);
  const int half = static_cast<int>(threadIdx.x) % 2 * 8;
  if (first + half >= a.stored) return;
#pragma unroll 1
  for (int i = static_cast<int>(threadIdx.x) / 2; i < Pixels; i += kHeld * kThreads / 2) {
    std::ptrdiff_t pixels[kHeld];
    GradientInputs<T> inputs[kHeld];
#pragma unroll
    for (int j = 0; j < kHeld; ++j) {
      pixels[j] = pixel_at(i + j * kThreads / 2);
      if (pixels[j] >= 0) inputs[j].load(a, static_cast<std::size_t>(pixels[j]) * a.stored + first + half);
    }
#pragma unroll
    for (int j = 0; j < kHeld; ++j) {
      if (pixels[j] < 0) continue;
      float v[8];
      load8(staged + (i + j * kThreads / 2) * StagedPitch + half, v);
      inputs[j].finish(a, v);
      store8(a.gradient + static_cast<std::size_t>(pixels[j]) * a.stored + first + half, v);
    }
  }
}

template <typename Tile, int BN, typename Taps, bool Dense>
__global__ void __launch_bounds__(kThreads, Tile::kBlocks)
    data_gradient_kernel(const DataGradientArguments<typename Tile::Element> a) {
  using T = typename Tile::Element;
  constexpr int kRows = kWarps * Taps::kWarpRows;
  constexpr int kColumns = 16;
  auto* shared = shared_memory<T>();
  const int n_tile = static_cast<int>(blockIdx.x);
  const int y0 = static_cast<int>(blockIdx.y) / a.tiles_across * kRows;
  const int x0 = static_cast<int>(blockIdx.y) % a.tiles_across * kColumns;
  const auto image = static_cast<std::size_t>(blockIdx.z);

  typename Tile::Accumulator sums[Taps::kWarpRows][BN / 16];
#pragma unroll
  for (int m = 0; m < Taps::kWarpRows; ++m)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n) Tile::clear(sums[m][n]);

  const T* weights = a.weights + static_cast<std::size_t>(n_tile) * a.chunks * (Taps::kTaps * Tile::kChunk * BN);
  const int top = y0 * Taps::kRowStep - 1;
  const int left = x0 * Taps::kRowStep - 1;
  if constexpr (Dense)
    accumulate<Tile, Taps, BN>(sums, shared, a.from.dense_image(image), top, left, weights, a.chunks);
  else
    accumulate<Tile, Taps, BN>(sums, shared, a.from.of_image(image), top, left, weights, a.chunks);

  auto* staged = shared_memory<float>();
#pragma unroll 1
  for (int n = 0; n < BN / 16; ++n) {
    stage<Tile>(staged, sums, n);
    __syncthreads();
    write_gradients<kRows * kColumns, Tile::kStagedPitch>(staged, a, n_tile * BN + 16 * n, [&](int pixel) {
      const int y = y0 + pixel / kColumns;
      const int x = x0 + pixel % kColumns;
      return y < a.height && x < a.width ? static_cast<std::ptrdiff_t>((image * a.height + y) * a.width + x) : -1;
    });
    if (n + 1 < BN / 16) __syncthreads();
  }
}

/// For GPUs that have too little shared memory for two stages.
template <typename Tile>
struct SingleStage : Tile {
  static constexpr int kStages = 1;
};

template <typename Tile, int BN, typename Taps, bool Dense>
void launch_data_gradient(const DataGradientArguments<typename Tile::Element>& a, int batch, int n_tiles,
                          cudaStream_t stream) {
  constexpr int kRows = kWarps * Taps::kWarpRows;
  const int tiles_down = (a.height + kRows - 1) / kRows;
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(n_tiles), static_cast<unsigned>(tiles_down * a.tiles_across),
                    static_cast<unsigned>(batch));
  shape.block = dim3(kThreads);
  using T = typename Tile::Element;
  constexpr std::size_t kLoopBytes =
      kTileLoopBytes<Tile, Taps, BN, std::conditional_t<Dense, ImageSource<T>, OutputGradient<T>>>;
  if constexpr (kLoopBytes > kLeastSharedBytes) {
    if (kLoopBytes > most_shared_bytes())
      return launch_data_gradient<SingleStage<Tile>, BN, Taps, Dense>(a, batch, n_tiles, stream);
  }
  shape.shared_bytes = std::max(static_cast<std::size_t>(16 * kRows) * Tile::kStagedPitch * sizeof(float), kLoopBytes);
  shape.stream = stream;
  launch("data gradient", data_gradient_kernel<Tile, BN, Taps, Dense>, shape, a);
}

template <typename Tile, typename Taps, bool Dense>
void launch_data_gradient(const DataGradientArguments<typename Tile::Element>& a, int batch, const PackedPart& part,
                          cudaStream_t stream) {
  if constexpr (!(std::is_same_v<Taps, DownTaps> && Tile::kStages == 2)) {  // packed_parts()
    if (part.columns == 48) return launch_data_gradient<Tile, 48, Taps, Dense>(a, batch, part.tiles(), stream);
  }
  if (part.columns == 32) return launch_data_gradient<Tile, 32, Taps, Dense>(a, batch, part.tiles(), stream);
  launch_data_gradient<Tile, 16, Taps, Dense>(a, batch, part.tiles(), stream);
}

/// The gradient with respect to one part, the low or the skip source.
template <typename Tile, typename Taps>
void run_data_gradient(const ConvOutputGradient& from, const Conv3x3Layer& layer, const ConvGradientTarget& to,
                       const PackedPart& part, const typename Tile::Element* weights, cudaStream_t stream) {
  using T = typename Tile::Element;
  DataGradientArguments<T> a;
  a.from = output_gradient_of<T>(from, layer);
  a.weights = weights;
  a.chunks = part.chunks();
  a.height = to.gradient.shape.height;
  a.width = to.gradient.shape.width;
  a.tiles_across = (a.width + 15) / 16;
  a.channels = to.gradient.shape.channels;
  a.stored = to.gradient.stored_channels;
  a.gradient = static_cast<T*>(to.gradient.data);
  a.activated = static_cast<const T*>(to.activated.data);
  a.slope = static_cast<float>(to.slope);
  a.accumulate = to.accumulate;
  if (!from.pooled) return launch_data_gradient<Tile, Taps, true>(a, layer.batch, part, stream);
  launch_data_gradient<Tile, Taps, false>(a, layer.batch, part, stream);
}

template <typename Tile>
void run_data_gradient(const Conv3x3DataGradient& p, const Conv3x3Layer& layer, const ConvMode& mode,
                       cudaStream_t stream) {
  const PackedParts parts = packed_parts(layer, ConvPass::data_gradient, mode);
  const auto* packed = reinterpret_cast<const typename Tile::Element*>(p.packed.data());
  if (p.low.gradient) run_data_gradient<Tile, DownTaps>(p.output_gradient, layer, p.low, parts.low, packed, stream);
  if (p.skip.gradient)
    run_data_gradient<Tile, PlainTaps>(p.output_gradient, layer, p.skip, parts.skip, packed + parts.low.elements(),
                                       stream);
}

}  // namespace n2s::device
