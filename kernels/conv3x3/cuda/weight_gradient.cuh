// The weight gradient on a GPU: for every tap a matrix product over all pixels of the batch, C_in x pixels by pixels x
// C_out, long and thin. It is split by pixels (split-K); a second pass reduces the partial sums in a fixed order,
// without atomics (reduce.cu). For upsampled channels the products are those of the four-phase form, 16 instead of 36
// for four pixels.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/conv3x3/cuda/band.cuh"
#include "kernels/conv3x3/cuda/output_gradient.cuh"
#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/weight_slices.h"
#include "kernels/device/launch.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {

/// How the weight gradient of one part, low or skip, is split.
struct WeightSplit {
  int input_tiles = 0, output_tiles = 0, block_inputs = 0, columns = 0;
  int patches_down = 0, patches_across = 0, patches = 0;
  int slices = 0;  // of the patches, for each tile of channels a block
  int splits = 0;  // sums that are added up: of each slice, or of each part of its rows
  int taps = 0;

  N2S_HOST_DEVICE int inputs() const { return input_tiles * block_inputs; }
  N2S_HOST_DEVICE int outputs() const { return output_tiles * columns; }
  /// Floats of one split's partial sums.
  N2S_HOST_DEVICE std::size_t split_elements() const { return static_cast<std::size_t>(taps) * inputs() * outputs(); }
  /// Those, and the bias's.
  std::size_t elements() const {
    return static_cast<std::size_t>(splits) * (split_elements() + static_cast<std::size_t>(outputs()));
  }
};

/// Blocks that the current device runs at once, two on each multiprocessor. Kernels of which one fits there make twice
/// as many waves, which are whole ones too. Throws Error.
int block_slots();

template <typename Band>
WeightSplit weight_split(int batch, int height, int width, int inputs, int outputs) {
  WeightSplit s;
  s.columns = block_columns(outputs, Band::kMostColumns);
  s.block_inputs = Band::kInputs;
  s.input_tiles = (inputs + Band::kInputs - 1) / Band::kInputs;
  s.output_tiles = (outputs + s.columns - 1) / s.columns;
  s.patches_down = (height + kPatchRows - 1) / kPatchRows;
  s.patches_across = (width + Band::kColumns - 1) / Band::kColumns;
  s.patches = batch * s.patches_down * s.patches_across;
  s.slices = weight_slices(s.patches, s.input_tiles * s.output_tiles, block_slots());
  s.splits = s.slices * Band::kParts;
  s.taps = Band::kTaps;
  return s;
}

template <typename T>
struct WeightGradientArguments {
  const T* source = nullptr;
  int source_height = 0, source_width = 0, source_channels = 0;  // channels as stored
  int first_input = 0;                                           // of the source's channels
  OutputGradient<T> from;
  WeightSplit split;
  float* sums = nullptr;  // [split][tap][input][output]
  float* bias = nullptr;  // [split][output], null: not requested
};

/// Where a band is. Bands are counted through all patches of the batch, from top to bottom in each.
template <typename Band>
struct BandPosition {
  static constexpr int kBands = kPatchRows / Band::kRows;  // of a patch
  int image, y, x;                                         // of the patch, in patches
  int band = 0;                                            // in the patch

  __device__ __forceinline__ BandPosition(const WeightSplit& s, int patch)
      : image(patch / (s.patches_across * s.patches_down)),
        y(patch / s.patches_across % s.patches_down),
        x(patch % s.patches_across) {}
  __device__ __forceinline__ void advance(const WeightSplit& s) {
    if (++band < kBands) return;
    band = 0;
    if (++x < s.patches_across) return;
    x = 0;
    if (++y < s.patches_down) return;
    y = 0;
    ++image;
  }
};

/// Copies one band after the other, of the source and of the output gradient, to shared memory: start() begins with the
/// next one, and finish() waits for the thread's copies.
template <typename Tile, int BN, typename Band, bool Dense>
struct BandLoader {
  using T = typename Tile::Element;
  using Gradient = std::conditional_t<Dense, DenseGradient<Tile, Band, BN>, PooledGradient<Tile, Band, BN>>;
  const WeightGradientArguments<T>& a;
  int input, output;
  BandPosition<Band> next;
  Gradient gradient = {};

  __device__ __forceinline__ void start(T* shared) {
    const int y0 = next.y * kPatchRows + next.band * Band::kRows;
    const int x0 = next.x * Band::kColumns;
    const auto image = static_cast<std::size_t>(next.image);
    const ImageSource<T> source{
        a.source + image * (static_cast<std::size_t>(a.source_height) * a.source_width * a.source_channels),
        a.source_height, a.source_width, a.source_channels};
    load_band_source<Tile, Band, BN>(shared, source, y0, x0, input);
    if constexpr (Dense)
      gradient.start(shared, a.from.dense_image(image), y0, x0, output);
    else
      gradient.start(shared, a.from.of_image(image), y0, x0, output);
    commit_copies();
    next.advance(a.split);
  }
  __device__ __forceinline__ void finish(T* shared) {
    wait_copies<0>();
    gradient.finish(shared);
  }
};

/// Sums of the products of the next `bands` bands; calls `see(band in shared memory)` for each as well. With
/// asynchronous copies the next band is copied while the current one is multiplied.
template <typename Tile, int BN, typename Band, typename Loader, typename See>
__device__ __forceinline__ void accumulate_bands(
    typename Tile::Accumulator (&sums)[Band::kTapsY * Band::kTapsX][BN / 16], typename Tile::Element* shared,
    Loader& loader, int bands, const See& see) {
  constexpr int kElements = BandLayout<Tile, Band, BN>::kElements;
  if constexpr (Tile::kStages == 2) {
    loader.start(shared);
    loader.finish(shared);
    for (int band = 0; band < bands; ++band) {
      auto* current = shared + band % 2 * kElements;
      auto* next = shared + (band + 1) % 2 * kElements;
      __syncthreads();  // this band has arrived, and no thread still reads the previous one
      if (band + 1 < bands) loader.start(next);
      multiply_band<Tile, Band, BN>(sums, current);
      see(current);
      if (band + 1 < bands) loader.finish(next);
    }
  } else {
    for (int band = 0; band < bands; ++band) {
      loader.start(shared);
      loader.finish(shared);
      __syncthreads();
      multiply_band<Tile, Band, BN>(sums, shared);
      see(shared);
      __syncthreads();
    }
  }
}

/// Blocks that a multiprocessor holds at least, as far as the sums leave registers for it: 168 per thread of two blocks
/// of six warps, which the sums of 48 channels and fp16 fragments fit into.
template <typename Tile, int BN, typename Band>
inline constexpr int kBandBlocks = Tile::kBlocks > 2 && (BN < 48 || Band::kBandWarps == 6) ? 2 : 1;

template <typename Tile, int BN, typename Band, bool Dense>
__global__ void __launch_bounds__(32 * Band::kBandWarps, kBandBlocks<Tile, BN, Band>)
    weight_gradient_kernel(const WeightGradientArguments<typename Tile::Element> a) {
  using T = typename Tile::Element;
  auto* shared = shared_memory<T>();
  const int input = static_cast<int>(blockIdx.x) * Band::kInputs;
  const int output = static_cast<int>(blockIdx.y) * BN;
  const int slice = static_cast<int>(blockIdx.z);
  const WeightSplit& s = a.split;
  const auto bound = [&](int index) { return static_cast<int>(static_cast<long long>(s.patches) * index / s.slices); };
  const int first = bound(slice);
  constexpr int kBands = BandPosition<Band>::kBands;
  BandLoader<Tile, BN, Band, Dense> loader{a, a.first_input + input, output, {s, first}};
  const bool bias = a.bias != nullptr && blockIdx.x == 0;

  typename Tile::Accumulator sums[Band::kTapsY * Band::kTapsX][BN / 16];
#pragma unroll
  for (int t = 0; t < Band::kTapsY * Band::kTapsX; ++t)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n) Tile::clear(sums[t][n]);
  float bias_sum = 0;
  accumulate_bands<Tile, BN, Band>(sums, shared, loader, (bound(slice + 1) - first) * kBands, [&](const T* band) {
    if (bias) bias_sum += sum_column<Tile, Band, BN>(band);
  });

  const int warp = static_cast<int>(threadIdx.x / 32);
  const int split = slice * Band::kParts + Band::part(warp);
  float* to = a.sums + static_cast<std::size_t>(split) * s.split_elements();
#pragma unroll
  for (int ty = 0; ty < Band::kTapsY; ++ty)
#pragma unroll
    for (int tx = 0; tx < Band::kTapsX; ++tx)
#pragma unroll
      for (int n = 0; n < BN / 16; ++n)
        Tile::store(
            to +
                (static_cast<std::size_t>(Band::tap(warp, ty, tx)) * s.inputs() + input + 16 * Band::fragment(warp)) *
                    s.outputs() +
                output + 16 * n,
            sums[ty * Band::kTapsX + tx][n], s.outputs());
  if (!bias) return;
  // No barrier: a patch has as many bands as there are stages, so that no thread still reads the first stage.
  static_assert(kBands == Tile::kStages);
  auto* columns = shared_memory<float>();
  columns[threadIdx.x] = bias_sum;
  __syncthreads();
  if (threadIdx.x >= BN) return;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < 32 * Band::kBandWarps / BN * BN; i += BN) sum += columns[i];
#pragma unroll
  for (int part = 0; part < Band::kParts; ++part)  // the first has all of it
    a.bias[static_cast<std::size_t>(slice * Band::kParts + part) * s.outputs() + output + threadIdx.x] =
        part == 0 ? sum : 0;
}

/// The second pass: reduces the partial sums of all splits, and of the phases for every tap.
struct WeightSums {
  const float* sums = nullptr;
  const float* bias = nullptr;
  WeightSplit split;
  int inputs = 0, outputs = 0;             // channels of the part
  int weight_inputs = 0, first_input = 0;  // of the whole weight tensor
  float* weight_gradient = nullptr;        // OIHW
  float* bias_gradient = nullptr;          // null: not requested
};
void reduce_weight_gradient(const WeightSums& sums, cudaStream_t stream);

template <typename Tile, int BN, typename Band, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(a.split.input_tiles), static_cast<unsigned>(a.split.output_tiles),
                    static_cast<unsigned>(a.split.slices));
  shape.block = dim3(32 * Band::kBandWarps);
  shape.shared_bytes = sizeof(typename Tile::Element) * Tile::kStages * BandLayout<Tile, Band, BN>::kElements;
  shape.stream = stream;
  launch("weight gradient", weight_gradient_kernel<Tile, BN, Band, Dense>, shape, a);
}

template <typename Tile, typename Band, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  if constexpr (Band::kMostColumns == 48) {
    if (a.split.columns == 48) return launch_weight_gradient<Tile, 48, Band, Dense>(a, stream);
  }
  if (a.split.columns == 32) return launch_weight_gradient<Tile, 32, Band, Dense>(a, stream);
  launch_weight_gradient<Tile, 16, Band, Dense>(a, stream);
}

/// Channels `first` to first + sums.inputs - 1 of the low or the skip source, and their weights. `sums` has all but
/// what the split brings.
template <typename Tile, typename Band>
void run_weight_gradient(const Conv3x3WeightGradient& p, const Conv3x3Layer& layer, const ConstTensorView& source,
                         int first, WeightSums sums, cudaStream_t stream) {
  using T = typename Tile::Element;
  WeightGradientArguments<T> a;
  a.source = static_cast<const T*>(source.data);
  a.source_height = source.shape.height;
  a.source_width = source.shape.width;
  a.source_channels = source.stored_channels;
  a.first_input = first;
  a.from = output_gradient_of<T>(p.output_gradient, layer);
  a.split = weight_split<Band>(layer.batch, layer.height, layer.width, sums.inputs, layer.out_channels);
  a.sums = reinterpret_cast<float*>(p.scratch.data());
  if (sums.bias_gradient != nullptr) a.bias = a.sums + a.split.splits * a.split.split_elements();
  if (p.output_gradient.pooled)
    launch_weight_gradient<Tile, Band, false>(a, stream);
  else
    launch_weight_gradient<Tile, Band, true>(a, stream);
  sums.sums = a.sums;
  sums.bias = a.bias;
  sums.split = a.split;
  sums.outputs = layer.out_channels;
  reduce_weight_gradient(sums, stream);
}

/// Blocks of 16 input channels are for devices without asynchronous copies: on others a block waits for its copies
/// longer than it multiplies.
template <typename Tile>
inline constexpr bool kHasNarrowBlocks = Tile::kStages == 1;

/// Patches of the source at full resolution.
inline int skip_patches(const Conv3x3Layer& layer) {
  return weight_split<PlainBand<>>(layer.batch, layer.height, layer.width, 1, 1).patches;
}
template <typename Tile>
InputTiles skip_inputs(const Conv3x3Layer& layer) {
  if (!kHasNarrowBlocks<Tile>) return {layer.skip_channels, 0};
  return input_tiles(layer.skip_channels, skip_patches(layer), block_slots());
}

template <typename Tile>
void run_weight_gradient(const Conv3x3WeightGradient& p, const Conv3x3Layer& layer, const ConvMode&,
                         cudaStream_t stream) {
  // As much shared memory as for whole patches, one at a time.
  constexpr int kRows = kPatchRows / Tile::kStages;
  WeightSums sums;
  sums.weight_inputs = layer.low_channels + layer.skip_channels;
  sums.weight_gradient = p.weight_gradient.as<float>();
  sums.bias_gradient = p.bias_gradient.as<float>();
  const auto run = [&]<typename Band>(const Band&, const ConstTensorView& source, int first, int channels) {
    if (channels == 0) return;
    sums.inputs = channels;
    run_weight_gradient<Tile, Band>(p, layer, source, first, sums, stream);
    sums.first_input += channels;
    sums.bias_gradient = nullptr;  // done
  };
  run(PhaseBand<kRows>(), p.source.low, 0, layer.low_channels);
  const InputTiles skip = skip_inputs<Tile>(layer);
  run(PlainBand<kRows>(), p.source.skip, 0, skip.wide);
  if constexpr (kHasNarrowBlocks<Tile>) run(PlainBand<kRows, 1>(), p.source.skip, skip.wide, skip.narrow);
}

}  // namespace n2s::device
