// Packs OIHW fp32 weights for the GPU kernels, in the precision that they multiply in. Upsampled channels get sums of
// taps, one set for each phase; the data gradient gets the transposed, flipped ones. OIHW has the taps innermost, the
// packed form the output channels: a block transposes its share in shared memory, so that its reads and writes of
// device memory are contiguous. One launch packs many layers: each alone would be over before the next could begin.
#include <array>

#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"
#include "kernels/device/precision.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

enum class Form { forward_low, forward_skip, gradient_low, gradient_skip };

/// One part of one layer.
struct PackArguments {
  PackedPart part;
  Form form = Form::forward_skip;
  const float* weight = nullptr;  // OIHW
  void* packed = nullptr;
  int weight_inputs = 0;  // I
  int first_input = 0;    // of this part
  int first_block = 0;    // of the launch
};

/// What one launch packs: as many parts as kernel parameters, 4 KB at most, have room for.
struct PackBatch {
  static constexpr int kMost = 48;
  PackArguments parts[kMost];
  int count = 0, blocks = 0;
};
static_assert(sizeof(PackBatch) <= 4000);

/// Taps [first, last] of a row of three that read low pixel t (0: the upper or left one) in this phase.
struct Span {
  int first, last;
};
__device__ Span taps_of(int phase, int t) {
  if (phase == 0) return t == 0 ? Span{0, 0} : Span{1, 2};
  return t == 0 ? Span{0, 1} : Span{2, 2};
}

/// Upsampling's gradient gathers pixels 2 i - 1 + u: which phase and low pixel each one is.
__device__ Span taps_from_gradient(int u) {
  return taps_of(1 - u % 2, u < 2 ? 1 : 0);
}

/// One of a part's taps from the nine of a pair of channels.
__device__ float packed_tap(Form form, int tap, const float* taps) {
  if (form == Form::forward_skip) return taps[tap];
  if (form == Form::gradient_skip) return taps[8 - tap];
  Span y{}, x{};
  if (form == Form::forward_low) {
    y = taps_of(tap / 8, tap / 2 % 2);
    x = taps_of(tap / 4 % 2, tap % 2);
  } else {
    y = taps_from_gradient(tap / 4);
    x = taps_from_gradient(tap % 4);
  }
  float sum = 0;
  for (int ky = y.first; ky <= y.last; ++ky)
    for (int kx = x.first; kx <= x.last; ++kx) sum += taps[3 * ky + kx];
  return sum;
}

constexpr int kPackThreads = 256;
constexpr int kPackOutputs = 16;  // of a block: fills sectors in every precision

/// A block's weights in shared memory: [O][I][tap], of one chunk of channels and kPackOutputs that come out.
struct PackTile {
  int outer, inner;  // channels along O and I
  int pitch;         // from one channel along O to the next: odd, so that these lie in different banks

  __device__ PackTile(const PackedPart& part, bool transposed)
      : outer(transposed ? part.chunk : kPackOutputs),
        inner(transposed ? kPackOutputs : part.chunk),
        pitch(9 * inner + 1) {}
  static std::size_t bytes(int chunk) {
    return sizeof(float) * static_cast<std::size_t>(10 * kPackOutputs * chunk);  // of either form at most
  }
};

/// A block packs one chunk of the channels that are summed over, and one group of those that come out, of one part.
template <typename T>
__global__ void __launch_bounds__(kPackThreads) pack_kernel(const PackBatch batch) {
  int found = 0;
  while (found + 1 < batch.count && batch.parts[found + 1].first_block <= static_cast<int>(blockIdx.x)) ++found;
  const PackArguments& a = batch.parts[found];
  const PackedPart& part = a.part;
  const bool transposed = a.form == Form::gradient_low || a.form == Form::gradient_skip;
  const PackTile tile(part, transposed);
  const int block = static_cast<int>(blockIdx.x) - a.first_block;
  const int chunk = block % part.chunks();
  const int input = chunk * part.chunk;
  const int output = block / part.chunks() * kPackOutputs;
  const int o = transposed ? input : output;
  const int i = transposed ? output : input;
  const int o_end = transposed ? part.inputs : part.outputs;
  const int i_end = transposed ? part.outputs : part.inputs;
  auto* weights = shared_memory<float>();
  for (int e = static_cast<int>(threadIdx.x); e < tile.outer * tile.inner * 9; e += kPackThreads) {
    const int row = e / (9 * tile.inner);
    const int column = e % (9 * tile.inner);
    const bool real = o + row < o_end && i + column / 9 < i_end;
    const std::ptrdiff_t pair = static_cast<std::ptrdiff_t>(o + row) * a.weight_inputs + a.first_input + i;
    weights[row * tile.pitch + column] = real ? a.weight[pair * 9 + column] : 0.0F;
  }
  __syncthreads();
  T* to = static_cast<T*>(a.packed) + output / part.columns * part.tile_elements() + chunk * part.chunk_elements() +
          output % part.columns;
  for (int e = static_cast<int>(threadIdx.x); e < part.taps * part.chunk * kPackOutputs; e += kPackThreads) {
    const int come_out = e % kPackOutputs;
    const int row = e / kPackOutputs;  // tap and channel
    const int summed = row % part.chunk;
    const float* taps =
        weights + (transposed ? summed * tile.pitch + 9 * come_out : come_out * tile.pitch + 9 * summed);
    to[row * part.columns + come_out] = from_float<T>(packed_tap(a.form, row / part.chunk, taps));
  }
}

void start_packing(const PackBatch& batch, std::size_t shared_bytes, Precision precision, cudaStream_t stream) {
  if (batch.count == 0) return;
  with_element(precision, [&](auto zero) {
    const LaunchShape shape{dim3(static_cast<unsigned>(batch.blocks)), dim3(kPackThreads), shared_bytes, stream};
    launch("packing weights", pack_kernel<decltype(zero)>, shape, batch);
  });
}

/// The low and the skip part of a layer; a part without weights has no blocks.
std::array<PackArguments, 2> parts_of(const ConvPacking& p, const ConvMode& mode) {
  const bool forward = p.pass == ConvPass::forward;
  const PackedParts parts = packed_parts(p.layer, p.pass, mode);
  const int inputs = p.layer.low_channels + p.layer.skip_channels;
  std::byte* skip = p.packed.data() + parts.low.elements() * element_bytes(mode.precision);
  return {
      {{parts.low, forward ? Form::forward_low : Form::gradient_low, p.weight, p.packed.data(), inputs, 0},
       {parts.skip, forward ? Form::forward_skip : Form::gradient_skip, p.weight, skip, inputs, p.layer.low_channels}}};
}

}  // namespace

ConvBytes tile_bytes(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  if (pass == ConvPass::weight_gradient) return {0, weight_gradient_scratch_bytes(l)};
  return {packed_parts(l, pass, mode).elements() * element_bytes(mode.precision), 0};
}

void pack_weights(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream) {
  const std::size_t shared_bytes = PackTile::bytes(chunk_channels(mode));
  PackBatch batch;
  for (const ConvPacking& packing : packings)
    for (PackArguments part : parts_of(packing, mode)) {
      if (part.part.elements() == 0) continue;
      if (batch.count == PackBatch::kMost) {
        start_packing(batch, shared_bytes, mode.precision, stream);
        batch = {};
      }
      part.first_block = batch.blocks;
      batch.blocks += part.part.chunks() * part.part.tiles() * part.part.columns / kPackOutputs;
      batch.parts[batch.count++] = part;
    }
  start_packing(batch, shared_bytes, mode.precision, stream);
}

}  // namespace n2s::device
