// The weight gradient on a GPU: for every tap a matrix product over all pixels of the batch, C_in x pixels by pixels x
// C_out, long and thin. It is split over the device by pixels; a second pass adds the parts up in a fixed order,
// without atomics. For upsampled channels the products are those of the four-phase form, 16 instead of 36 for four
// pixels.
#pragma once

#include <algorithm>

#include "kernels/conv3x3/band.h"
#include "kernels/conv3x3/data_gradient_kernel.h"

namespace n2s::device {

/// How a part's weight gradient is cut up; the same for any device.
struct WeightSplit {
  int input_tiles = 0, output_tiles = 0, columns = 0;
  int patches_down = 0, patches_across = 0, patches = 0;
  int splits = 0;
  int taps = 0;

  N2S_HOST_DEVICE int inputs() const { return input_tiles * kBlockInputs; }
  N2S_HOST_DEVICE int outputs() const { return output_tiles * columns; }
  /// Floats of one split's sums.
  N2S_HOST_DEVICE std::size_t split_elements() const { return static_cast<std::size_t>(taps) * inputs() * outputs(); }
  /// Those, and the bias's.
  std::size_t elements() const {
    return static_cast<std::size_t>(splits) * (split_elements() + static_cast<std::size_t>(outputs()));
  }
};

template <typename Band>
WeightSplit weight_split(int batch, int height, int width, int inputs, int outputs) {
  constexpr int kBlocks = 264;  // enough for the largest devices, two blocks for each of 132 multiprocessors
  WeightSplit s;
  s.columns = block_columns(outputs);
  s.input_tiles = (inputs + kBlockInputs - 1) / kBlockInputs;
  s.output_tiles = (outputs + s.columns - 1) / s.columns;
  s.patches_down = (height + kPatchRows - 1) / kPatchRows;
  s.patches_across = (width + Band::kColumns - 1) / Band::kColumns;
  s.patches = batch * s.patches_down * s.patches_across;
  s.splits = std::min(s.patches, std::max(1, kBlocks / (s.input_tiles * s.output_tiles)));
  s.taps = Band::kTaps;
  return s;
}

template <typename T>
struct WeightGradientArguments {
  const T* source = nullptr;
  int source_height = 0, source_width = 0, source_channels = 0;  // channels as stored
  const T* dense = nullptr;
  const T* pooled = nullptr;
  const std::uint16_t* argmax = nullptr;
  int height = 0, width = 0, channels = 0;  // of the gradient above; channels as stored
  WeightSplit split;
  float* sums = nullptr;  // [split][tap][input][output]
  float* bias = nullptr;  // [split][output], null: not wanted
};

/// Brings one band of the source and of the gradient above into shared memory: start() begins, and between that and
/// finish() the thread's copies have to arrive. Bands are counted through all patches of the batch, from top to bottom
/// in each.
template <typename Tile, int BN, typename Band, bool Dense>
struct BandLoader {
  using T = typename Tile::Element;
  using Above = std::conditional_t<Dense, DenseAbove<Tile, Band, BN>, PooledAbove<Tile, Band, BN>>;
  static constexpr int kBands = kPatchRows / Band::kRows;  // of a patch
  const WeightGradientArguments<T>& a;
  int input, output;
  Above above = {};

  __device__ __forceinline__ void start(T* shared, int band) {
    const WeightSplit& s = a.split;
    const int patch = band / kBands;
    const int y0 = patch / s.patches_across % s.patches_down * kPatchRows + band % kBands * Band::kRows;
    const int x0 = patch % s.patches_across * Band::kColumns;
    const auto image = static_cast<std::size_t>(patch / (s.patches_across * s.patches_down));
    const std::size_t pixels = static_cast<std::size_t>(a.height) * a.width * a.channels;
    const ImageSource<T> source{
        a.source + image * (static_cast<std::size_t>(a.source_height) * a.source_width * a.source_channels),
        a.source_height, a.source_width, a.source_channels};
    load_band_source<Tile, Band, BN>(shared, source, y0, x0, input);
    if constexpr (Dense) {
      above.start(shared, {a.dense + image * pixels, a.height, a.width, a.channels}, y0, x0, output);
    } else {
      above.start(shared,
                  {a.dense != nullptr ? a.dense + image * pixels : nullptr, a.pooled + image * (pixels / 4),
                   a.argmax + image * (pixels / 32), a.height, a.width, a.channels},
                  y0, x0, output);
    }
    commit_copies();
  }
  __device__ __forceinline__ void finish(T* shared) {
    wait_copies<0>();
    above.finish(shared);
  }
};

/// Sums of the products of all bands from `first` on; calls `see(band in shared memory)` for each as well. With
/// asynchronous copies the next band is on its way while the present one is multiplied.
template <typename Tile, int BN, typename Band, typename Loader, typename See>
__device__ __forceinline__ void accumulate_bands(
    typename Tile::Accumulator (&sums)[Band::kTapsY * Band::kTapsX][BN / 16], typename Tile::Element* shared,
    Loader& loader, int first, int last, const See& see) {
  constexpr int kElements = BandLayout<Tile, Band, BN>::kElements;
  if constexpr (Tile::kStages == 2) {
    loader.start(shared, first);
    loader.finish(shared);
    for (int band = first; band < last; ++band) {
      auto* present = shared + (band - first) % 2 * kElements;
      auto* next = shared + (band - first + 1) % 2 * kElements;
      __syncthreads();  // this band is there, and nobody reads the one before any more
      if (band + 1 < last) loader.start(next, band + 1);
      multiply_band<Tile, Band, BN>(sums, present);
      see(present);
      if (band + 1 < last) loader.finish(next);
    }
  } else {
    for (int band = first; band < last; ++band) {
      loader.start(shared, band);
      loader.finish(shared);
      __syncthreads();
      multiply_band<Tile, Band, BN>(sums, shared);
      see(shared);
      __syncthreads();
    }
  }
}

/// Blocks that a multiprocessor is to hold at least, as far as the sums leave registers for it: 168 for each thread of
/// two blocks of six warps. wmma's fragments take more than that beside the sums of 48 channels.
template <typename Tile, int BN, typename Band>
inline constexpr int kBandBlocks = Tile::kBlocks > 2 && (BN < 48 || (Tile::kKeepsRows && Band::kBandWarps == 6)) ? 2
                                                                                                                 : 1;

template <typename Tile, int BN, typename Band, bool Dense>
__global__ void __launch_bounds__(32 * Band::kBandWarps, kBandBlocks<Tile, BN, Band>)
    weight_gradient_kernel(const WeightGradientArguments<typename Tile::Element> a) {
  using T = typename Tile::Element;
  auto* shared = shared_memory<T>();
  const int input = static_cast<int>(blockIdx.x) * kBlockInputs;
  const int output = static_cast<int>(blockIdx.y) * BN;
  const int split = static_cast<int>(blockIdx.z);
  const WeightSplit& s = a.split;
  BandLoader<Tile, BN, Band, Dense> loader{a, input, output};
  const auto bound = [&](int index) {
    return static_cast<int>(static_cast<long long>(s.patches) * index / s.splits) * loader.kBands;
  };
  const bool bias = a.bias != nullptr && blockIdx.x == 0;

  typename Tile::Accumulator sums[Band::kTapsY * Band::kTapsX][BN / 16];
#pragma unroll
  for (int t = 0; t < Band::kTapsY * Band::kTapsX; ++t)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n) Tile::clear(sums[t][n]);
  float bias_sum = 0;
  accumulate_bands<Tile, BN, Band>(sums, shared, loader, bound(split), bound(split + 1), [&](const T* band) {
    if (bias) bias_sum += sum_column<Tile, Band, BN>(band);
  });

  const int warp = static_cast<int>(threadIdx.x / 32);
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
  // No barrier: a patch has as many bands as there are stages, so that nobody reads the first stage any more.
  static_assert(loader.kBands == Tile::kStages);
  auto* columns = shared_memory<float>();
  columns[threadIdx.x] = bias_sum;
  __syncthreads();
  if (threadIdx.x >= BN) return;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < 32 * Band::kBandWarps / BN * BN; i += BN) sum += columns[i];
  a.bias[static_cast<std::size_t>(split) * s.outputs() + output + threadIdx.x] = sum;
}

/// Adds up the splits, and the phases' shares of every tap; what the second pass computes.
struct WeightSums {
  const float* sums = nullptr;
  const float* bias = nullptr;
  WeightSplit split;
  int inputs = 0, outputs = 0;             // channels of the part
  int weight_inputs = 0, first_input = 0;  // of the whole weight tensor
  float* weight_gradient = nullptr;        // OIHW
  float* bias_gradient = nullptr;          // null: not wanted
};
void add_up_weight_gradient(const WeightSums& sums, cudaStream_t stream);

template <typename Tile, int BN, typename Band, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(a.split.input_tiles), static_cast<unsigned>(a.split.output_tiles),
                    static_cast<unsigned>(a.split.splits));
  shape.block = dim3(32 * Band::kBandWarps);
  shape.shared_bytes = sizeof(typename Tile::Element) * Tile::kStages * BandLayout<Tile, Band, BN>::kElements;
  shape.stream = stream;
  launch("weight gradient", weight_gradient_kernel<Tile, BN, Band, Dense>, shape, a);
}

template <typename Tile, typename Band, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  if (a.split.columns == 48) return launch_weight_gradient<Tile, 48, Band, Dense>(a, stream);
  if (a.split.columns == 32) return launch_weight_gradient<Tile, 32, Band, Dense>(a, stream);
  launch_weight_gradient<Tile, 16, Band, Dense>(a, stream);
}

/// One part: source and weights of the low or of the skip channels. `sums.split` is filled in here.
template <typename Tile, typename Band>
void run_weight_gradient(const DeviceTensor& source, const DeviceConvUpstream& upstream, float* scratch,
                         WeightSums sums, cudaStream_t stream) {
  using T = typename Tile::Element;
  const Shape above = upstream_shape(upstream);
  WeightGradientArguments<T> a;
  a.source = static_cast<const T*>(source.data);
  a.source_height = source.shape.height;
  a.source_width = source.shape.width;
  a.source_channels = padded_channels(source.shape.channels);
  a.dense = static_cast<const T*>(upstream.dense.data);
  a.pooled = static_cast<const T*>(upstream.pooled.data);
  a.argmax = upstream.argmax;
  a.height = above.height;
  a.width = above.width;
  a.channels = padded_channels(above.channels);
  a.split = weight_split<Band>(above.batch, above.height, above.width, source.shape.channels, above.channels);
  a.sums = scratch;
  if (sums.bias_gradient != nullptr) a.bias = scratch + a.split.splits * a.split.split_elements();
  if (a.pooled == nullptr)
    launch_weight_gradient<Tile, Band, true>(a, stream);
  else
    launch_weight_gradient<Tile, Band, false>(a, stream);
  sums.sums = a.sums;
  sums.bias = a.bias;
  sums.split = a.split;
  sums.inputs = source.shape.channels;
  sums.outputs = above.channels;
  add_up_weight_gradient(sums, stream);
}

template <typename Tile>
void run_weight_gradient(const DeviceConvWeightGradient& p, float* scratch, cudaStream_t stream) {
  // As much shared memory as for whole patches, one at a time.
  constexpr int kRows = kPatchRows / Tile::kStages;
  const int low = p.source.low ? p.source.low.shape.channels : 0;
  const int skip = p.source.skip ? p.source.skip.shape.channels : 0;
  WeightSums sums;
  sums.weight_inputs = low + skip;
  sums.weight_gradient = p.weight_gradient;
  sums.bias_gradient = p.bias_gradient;
  if (low > 0) {
    run_weight_gradient<Tile, PhaseBand<kRows>>(p.source.low, p.upstream, scratch, sums, stream);
    sums.bias_gradient = nullptr;  // done
  }
  sums.first_input = low;
  if (skip > 0) run_weight_gradient<Tile, PlainBand<kRows>>(p.source.skip, p.upstream, scratch, sums, stream);
}

}  // namespace n2s::device
