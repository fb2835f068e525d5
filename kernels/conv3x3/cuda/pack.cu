// Packs OIHW fp32 weights for the GPU kernels, in the precision that they multiply in. Upsampled channels get sums of
// taps, one set for each phase; the data gradient gets the transposed, flipped ones. OIHW has the taps innermost, the
// packed form the output channels: a block transposes its share in shared memory, so that its reads and writes of
// device memory are contiguous.
#include "kernels/conv3x3/cuda/packing.cuh"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"
#include "kernels/device/precision.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device {
namespace {

enum class Form { forward_low, forward_skip, gradient_low, gradient_skip };

struct PackArguments {
  PackedPart part;
  Form form = Form::forward_skip;
  const float* weight = nullptr;  // OIHW
  int weight_inputs = 0;          // I
  int first_input = 0;            // of this part
};

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
  static std::size_t bytes(const PackedPart& part) {
    return sizeof(float) * static_cast<std::size_t>(10 * kPackOutputs * part.chunk);  // of either form at most
  }
};

/// Block (c, g) packs chunk c of the channels that are summed over, and group g of those that come out.
template <typename T>
__global__ void __launch_bounds__(kPackThreads) pack_kernel(PackArguments a, T* packed) {
  const PackedPart& part = a.part;
  const bool transposed = a.form == Form::gradient_low || a.form == Form::gradient_skip;
  const PackTile tile(part, transposed);
  const int chunk = static_cast<int>(blockIdx.x);
  const int input = chunk * part.chunk;
  const int output = static_cast<int>(blockIdx.y) * kPackOutputs;
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
  T* to = packed + output / part.columns * part.tile_elements() + chunk * part.chunk_elements() + output % part.columns;
  for (int e = static_cast<int>(threadIdx.x); e < part.taps * part.chunk * kPackOutputs; e += kPackThreads) {
    const int come_out = e % kPackOutputs;
    const int row = e / kPackOutputs;  // tap and channel
    const int summed = row % part.chunk;
    const float* taps =
        weights + (transposed ? summed * tile.pitch + 9 * come_out : come_out * tile.pitch + 9 * summed);
    to[row * part.columns + come_out] = from_float<T>(packed_tap(a.form, row / part.chunk, taps));
  }
}

template <typename T>
void pack_part(const PackArguments& arguments, T* packed, cudaStream_t stream) {
  const PackedPart& part = arguments.part;
  if (part.elements() == 0) return;
  const dim3 grid(static_cast<unsigned>(part.chunks()),
                  static_cast<unsigned>(part.tiles() * part.columns / kPackOutputs));
  launch("packing weights", pack_kernel<T>, {grid, dim3(kPackThreads), PackTile::bytes(part), stream}, arguments,
         packed);
}

struct PackBoth {
  PackedParts parts;
  Form low, skip;
};

template <typename T>
void pack_as(const PackBoth& both, const Conv3x3Layer& layer, const float* weight, T* to, cudaStream_t stream) {
  const int inputs = layer.low_channels + layer.skip_channels;
  pack_part({both.parts.low, both.low, weight, inputs, 0}, to, stream);
  pack_part({both.parts.skip, both.skip, weight, inputs, layer.low_channels}, to + both.parts.low.elements(), stream);
}

}  // namespace

void pack_weights(const Conv3x3Layer& layer, ConvPass pass, const ConvMode& mode, const float* weight, void* packed,
                  cudaStream_t stream) {
  const bool forward = pass == ConvPass::forward;
  const PackBoth both{packed_parts(layer, pass, mode), forward ? Form::forward_low : Form::gradient_low,
                      forward ? Form::forward_skip : Form::gradient_skip};
  with_element(mode.precision, [&](auto zero) {
    using T = decltype(zero);
    pack_as(both, layer, weight, static_cast<T*>(packed), stream);
  });
}

}  // namespace n2s::device
