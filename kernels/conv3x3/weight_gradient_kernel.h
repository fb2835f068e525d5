// The weight gradient on a GPU: for every tap a matrix product over all pixels of the batch, C_in x pixels by pixels x
// C_out, long and thin. It is split over the device by pixels; a second pass adds the parts up in a fixed order,
// without atomics. For upsampled channels the products are those of the four-phase form, 16 instead of 36 for four
// pixels.
#pragma once

#include <algorithm>

#include "kernels/conv3x3/data_gradient_kernel.h"

namespace n2s::device {

inline constexpr int kBlockInputs = 32;  // input channels of a block: two fragments

/// Plain taps: a patch of 8 x 16 pixels at a time; warps share out rows of taps and input channels.
struct PlainPatch {
  static constexpr int kPatchWarps = 6;
  static constexpr int kRows = 8, kColumns = 16;               // output pixels
  static constexpr int kSourceRows = 10, kSourceColumns = 18;  // source pixels
  static constexpr int kSourceScale = 1;                       // output pixels in a source pixel, along an axis
  static constexpr int kTaps = 9, kWarpTaps = 3;
  static constexpr int kSteps = 8;  // rows of 16 output pixels that a warp multiplies
  __device__ __forceinline__ static int fragment(int warp) { return warp / 3; }
  __device__ __forceinline__ static int tap(int warp, int t) { return warp % 3 * 3 + t; }
  __device__ __forceinline__ static int source_pixel(int warp, int step, int t) {
    return (step + warp % 3) * kSourceColumns + t;
  }
  __device__ __forceinline__ static int output_pixel(int, int step) { return 16 * step; }
  __device__ __forceinline__ static int slot(int y, int x) { return 16 * y + x; }
};

/// Four-phase form: a patch of 8 x 32 pixels from 4 x 16 low ones; a warp has one phase.
struct PhasePatch {
  static constexpr int kPatchWarps = 8;
  static constexpr int kRows = 8, kColumns = 32;
  static constexpr int kSourceRows = 6, kSourceColumns = 18;
  static constexpr int kSourceScale = 2;
  static constexpr int kTaps = 16, kWarpTaps = 4;
  static constexpr int kSteps = 4;
  __device__ __forceinline__ static int fragment(int warp) { return warp / 4; }
  __device__ __forceinline__ static int tap(int warp, int t) { return warp % 4 * 4 + t; }
  __device__ __forceinline__ static int source_pixel(int warp, int step, int t) {
    return (step + warp % 4 / 2 + t / 2) * kSourceColumns + warp % 2 + t % 2;
  }
  __device__ __forceinline__ static int output_pixel(int warp, int step) { return warp % 4 * 64 + 16 * step; }
  __device__ __forceinline__ static int slot(int y, int x) { return (y % 2 * 2 + x % 2) * 64 + y / 2 * 16 + x / 2; }
};

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

template <typename Patch>
WeightSplit weight_split(int batch, int height, int width, int inputs, int outputs) {
  constexpr int kBlocks = 264;  // enough for the largest devices, two blocks for each of 132 multiprocessors
  WeightSplit s;
  s.columns = block_columns(outputs);
  s.input_tiles = (inputs + kBlockInputs - 1) / kBlockInputs;
  s.output_tiles = (outputs + s.columns - 1) / s.columns;
  s.patches_down = (height + Patch::kRows - 1) / Patch::kRows;
  s.patches_across = (width + Patch::kColumns - 1) / Patch::kColumns;
  s.patches = batch * s.patches_down * s.patches_across;
  s.splits = std::min(s.patches, std::max(1, kBlocks / (s.input_tiles * s.output_tiles)));
  s.taps = Patch::kTaps;
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

template <typename Tile, typename Patch, int BN>
struct PatchLayout {
  static constexpr int kSourcePitch = Tile::weight_pitch(kBlockInputs);
  static constexpr int kAbovePitch = Tile::weight_pitch(BN);
  static constexpr int kAbovePixels = Patch::kRows * Patch::kColumns;
  static constexpr int kAboveOffset = Patch::kSourceRows * Patch::kSourceColumns * kSourcePitch;
  static constexpr int kElements = (kAboveOffset + kAbovePixels * kAbovePitch + 15) / 16 * 16;
};

/// Brings one patch of the source and of the gradient above into shared memory.
template <typename Tile, typename Patch, int BN, typename Above>
__device__ __forceinline__ void load_patch(typename Tile::Element* shared,
                                           const ImageSource<typename Tile::Element>& source, const Above& above,
                                           int y0, int x0, int input, int output) {
  using T = typename Tile::Element;
  using Layout = PatchLayout<Tile, Patch, BN>;
  constexpr int kPatchThreads = 32 * Patch::kPatchWarps;
  constexpr int kSourcePieces = kBlockInputs / kVector<T>;
  for (int i = static_cast<int>(threadIdx.x); i < Patch::kSourceRows * Patch::kSourceColumns * kSourcePieces;
       i += kPatchThreads) {
    const int pixel = i / kSourcePieces;
    const int piece = i % kSourcePieces * kVector<T>;
    source.load(shared + pixel * Layout::kSourcePitch + piece,
                y0 / Patch::kSourceScale - 1 + pixel / Patch::kSourceColumns,
                x0 / Patch::kSourceScale - 1 + pixel % Patch::kSourceColumns, input + piece);
  }
  constexpr int kAbovePieces = BN / kVector<T>;
  for (int i = static_cast<int>(threadIdx.x); i < Layout::kAbovePixels * kAbovePieces; i += kPatchThreads) {
    const int y = i / kAbovePieces / Patch::kColumns;
    const int x = i / kAbovePieces % Patch::kColumns;
    const int piece = i % kAbovePieces * kVector<T>;
    above.load(shared + Layout::kAboveOffset + Patch::slot(y, x) * Layout::kAbovePitch + piece, y0 + y, x0 + x,
               output + piece);
  }
  commit_copies();
}

/// sums += source^T * above for one patch, all taps of the warp.
template <typename Tile, typename Patch, int BN>
__device__ __forceinline__ void multiply_patch(typename Tile::Accumulator (&sums)[Patch::kWarpTaps][BN / 16],
                                               const typename Tile::Element* shared) {
  using Layout = PatchLayout<Tile, Patch, BN>;
  const int warp = static_cast<int>(threadIdx.x / 32);
#pragma unroll 1
  for (int step = 0; step < Patch::kSteps; ++step)
#pragma unroll 1
    for (int pixel = 0; pixel < 16; pixel += Tile::kDepth) {
      const auto* above =
          shared + Layout::kAboveOffset + (Patch::output_pixel(warp, step) + pixel) * Layout::kAbovePitch;
      typename Tile::B b[BN / 16];
#pragma unroll
      for (int n = 0; n < BN / 16; ++n) Tile::load_b(b[n], above + 16 * n, Layout::kAbovePitch);
#pragma unroll
      for (int t = 0; t < Patch::kWarpTaps; ++t) {
        typename Tile::ATransposed a;
        Tile::load_a_transposed(
            a,
            shared + (Patch::source_pixel(warp, step, t) + pixel) * Layout::kSourcePitch + 16 * Patch::fragment(warp),
            Layout::kSourcePitch);
#pragma unroll
        for (int n = 0; n < BN / 16; ++n) Tile::multiply(sums[t][n], a, b[n]);
      }
    }
}

/// The bias gradient's share of a patch: every thread one column of the pixels first, first + step, ….
template <typename Tile, typename Patch, int BN>
__device__ __forceinline__ float sum_column(const typename Tile::Element* shared) {
  using Layout = PatchLayout<Tile, Patch, BN>;
  constexpr int kLanes = 32 * Patch::kPatchWarps / BN;  // threads for one column
  const int column = static_cast<int>(threadIdx.x) % BN;
  const int first = static_cast<int>(threadIdx.x) / BN;
  float sum = 0;
  if (first < kLanes)
    for (int pixel = first; pixel < Layout::kAbovePixels; pixel += kLanes)
      sum += to_float(shared[Layout::kAboveOffset + pixel * Layout::kAbovePitch + column]);
  return sum;
}

/// Blocks that a multiprocessor is to hold at least, as far as the sums leave registers for it.
template <typename Tile, int BN>
inline constexpr int kPatchBlocks = Tile::kBlocks > 2 && BN < 48 ? 2 : 1;

template <typename Tile, int BN, typename Patch, bool Dense>
__global__ void __launch_bounds__(32 * Patch::kPatchWarps, kPatchBlocks<Tile, BN>)
    weight_gradient_kernel(const WeightGradientArguments<typename Tile::Element> a) {
  using T = typename Tile::Element;
  using Above = std::conditional_t<Dense, ImageSource<T>, UpstreamSource<T>>;
  auto* shared = shared_memory<T>();
  const int input = static_cast<int>(blockIdx.x) * kBlockInputs;
  const int output = static_cast<int>(blockIdx.y) * BN;
  const int split = static_cast<int>(blockIdx.z);
  const WeightSplit& s = a.split;
  const auto bound = [&](int index) { return static_cast<int>(static_cast<long long>(s.patches) * index / s.splits); };
  const bool bias = a.bias != nullptr && blockIdx.x == 0;

  typename Tile::Accumulator sums[Patch::kWarpTaps][BN / 16];
#pragma unroll
  for (int t = 0; t < Patch::kWarpTaps; ++t)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n) Tile::clear(sums[t][n]);
  float bias_sum = 0;

  for (int patch = bound(split); patch < bound(split + 1); ++patch) {
    const int y0 = patch / s.patches_across % s.patches_down * Patch::kRows;
    const int x0 = patch % s.patches_across * Patch::kColumns;
    const auto image = static_cast<std::size_t>(patch / (s.patches_across * s.patches_down));
    const std::size_t pixels = static_cast<std::size_t>(a.height) * a.width * a.channels;
    const ImageSource<T> source{
        a.source + image * (static_cast<std::size_t>(a.source_height) * a.source_width * a.source_channels),
        a.source_height, a.source_width, a.source_channels};
    Above above;
    above.height = a.height;
    above.width = a.width;
    above.channels = a.channels;
    if constexpr (Dense) {
      above.image = a.dense + image * pixels;
    } else {
      above.dense = a.dense != nullptr ? a.dense + image * pixels : nullptr;
      above.pooled = a.pooled + image * (pixels / 4);
      above.argmax = a.argmax + image * (pixels / 32);
    }
    load_patch<Tile, Patch, BN>(shared, source, above, y0, x0, input, output);
    wait_copies<0>();
    __syncthreads();
    multiply_patch<Tile, Patch, BN>(sums, shared);
    if (bias) bias_sum += sum_column<Tile, Patch, BN>(shared);
    __syncthreads();
  }

  const int warp = static_cast<int>(threadIdx.x / 32);
  float* to = a.sums + static_cast<std::size_t>(split) * s.split_elements();
#pragma unroll
  for (int t = 0; t < Patch::kWarpTaps; ++t)
#pragma unroll
    for (int n = 0; n < BN / 16; ++n)
      Tile::store(
          to +
              (static_cast<std::size_t>(Patch::tap(warp, t)) * s.inputs() + input + 16 * Patch::fragment(warp)) *
                  s.outputs() +
              output + 16 * n,
          sums[t][n], s.outputs());
  if (!bias) return;
  auto* columns = shared_memory<float>();
  columns[threadIdx.x] = bias_sum;
  __syncthreads();
  if (threadIdx.x >= BN) return;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < 32 * Patch::kPatchWarps / BN * BN; i += BN) sum += columns[i];
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

template <typename Tile, int BN, typename Patch, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  LaunchShape shape;
  shape.grid = dim3(static_cast<unsigned>(a.split.input_tiles), static_cast<unsigned>(a.split.output_tiles),
                    static_cast<unsigned>(a.split.splits));
  shape.block = dim3(32 * Patch::kPatchWarps);
  shape.shared_bytes =
      static_cast<std::size_t>(PatchLayout<Tile, Patch, BN>::kElements) * sizeof(typename Tile::Element);
  shape.stream = stream;
  launch("weight gradient", weight_gradient_kernel<Tile, BN, Patch, Dense>, shape, a);
}

template <typename Tile, typename Patch, bool Dense>
void launch_weight_gradient(const WeightGradientArguments<typename Tile::Element>& a, cudaStream_t stream) {
  if (a.split.columns == 48) return launch_weight_gradient<Tile, 48, Patch, Dense>(a, stream);
  if (a.split.columns == 32) return launch_weight_gradient<Tile, 32, Patch, Dense>(a, stream);
  launch_weight_gradient<Tile, 16, Patch, Dense>(a, stream);
}

/// One part: source and weights of the low or of the skip channels. `sums.split` is filled in here.
template <typename Tile, typename Patch>
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
  a.split = weight_split<Patch>(above.batch, above.height, above.width, source.shape.channels, above.channels);
  a.sums = scratch;
  if (sums.bias_gradient != nullptr) a.bias = scratch + a.split.splits * a.split.split_elements();
  if (a.pooled == nullptr)
    launch_weight_gradient<Tile, Patch, true>(a, stream);
  else
    launch_weight_gradient<Tile, Patch, false>(a, stream);
  sums.sums = a.sums;
  sums.bias = a.bias;
  sums.split = a.split;
  sums.inputs = source.shape.channels;
  sums.outputs = above.channels;
  add_up_weight_gradient(sums, stream);
}

template <typename Tile>
void run_weight_gradient(const DeviceConvWeightGradient& p, float* scratch, cudaStream_t stream) {
  const int low = p.source.low ? p.source.low.shape.channels : 0;
  const int skip = p.source.skip ? p.source.skip.shape.channels : 0;
  WeightSums sums;
  sums.weight_inputs = low + skip;
  sums.weight_gradient = p.weight_gradient;
  sums.bias_gradient = p.bias_gradient;
  if (low > 0) {
    run_weight_gradient<Tile, PhasePatch>(p.source.low, p.upstream, scratch, sums, stream);
    sums.bias_gradient = nullptr;  // done
  }
  sums.first_input = low;
  if (skip > 0) run_weight_gradient<Tile, PlainPatch>(p.source.skip, p.upstream, scratch, sums, stream);
}

}  // namespace n2s::device
