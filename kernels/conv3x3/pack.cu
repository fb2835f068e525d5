// Packs OIHW fp32 weights for the GPU kernels, in the precision that they multiply in. Upsampled channels get sums of
// taps, one set for each phase; the data gradient gets the transposed, flipped ones.
#include "kernels/conv3x3/cudnn.h"
#include "kernels/conv3x3/packing.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"

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
__device__ Span taps_from_above(int u) {
  return taps_of(1 - u % 2, u < 2 ? 1 : 0);
}

__device__ float weight_of(const PackArguments& a, int tap, int input, int output) {
  const bool gradient = a.form == Form::gradient_low || a.form == Form::gradient_skip;
  const int out = gradient ? input : output;
  const int in = a.first_input + (gradient ? output : input);
  const float* taps = a.weight + (static_cast<std::ptrdiff_t>(out) * a.weight_inputs + in) * 9;
  if (a.form == Form::forward_skip) return taps[tap];
  if (a.form == Form::gradient_skip) return taps[8 - tap];
  Span y{}, x{};
  if (a.form == Form::forward_low) {
    y = taps_of(tap / 8, tap / 2 % 2);
    x = taps_of(tap / 4 % 2, tap % 2);
  } else {
    y = taps_from_above(tap / 4);
    x = taps_from_above(tap % 4);
  }
  float sum = 0;
  for (int ky = y.first; ky <= y.last; ++ky)
    for (int kx = x.first; kx <= x.last; ++kx) sum += taps[3 * ky + kx];
  return sum;
}

template <typename T>
__global__ void pack_kernel(PackArguments a, T* packed) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= a.part.elements()) return;
  const int output = static_cast<int>(i % a.part.columns + i / a.part.tile_elements() * a.part.columns);
  const int row = static_cast<int>(i % a.part.tile_elements() / a.part.columns);
  const int tap = row / a.part.chunk % a.part.taps;
  const int input = row / (a.part.chunk * a.part.taps) * a.part.chunk + row % a.part.chunk;
  const bool real = input < a.part.inputs && output < a.part.outputs;
  packed[i] = from_float<T>(real ? weight_of(a, tap, input, output) : 0.0F);
}

template <typename T>
void pack_part(const PackArguments& arguments, T* packed, cudaStream_t stream) {
  constexpr unsigned kThreadsAPack = 256;
  const std::size_t count = arguments.part.elements();
  if (count == 0) return;
  launch("packing weights", pack_kernel<T>, {dim3(blocks_for(count, kThreadsAPack)), dim3(kThreadsAPack), 0, stream},
         arguments, packed);
}

struct PackBoth {
  PackedParts parts;
  Form low, skip;
};

template <typename T>
void pack_as(const PackBoth& both, const Conv3x3Layer& layer, const float* weight, void* packed, cudaStream_t stream) {
  const int inputs = layer.low_channels + layer.skip_channels;
  auto* to = static_cast<T*>(packed);
  pack_part({both.parts.low, both.low, weight, inputs, 0}, to, stream);
  pack_part({both.parts.skip, both.skip, weight, inputs, layer.low_channels}, to + both.parts.low.elements(), stream);
}

void pack(const PackBoth& both, const Conv3x3Layer& layer, const ConvMode& mode, const float* weight, void* packed,
          cudaStream_t stream) {
  if (element_bytes(mode.precision) == 4) return pack_as<float>(both, layer, weight, packed, stream);
  if (mode.precision == Precision::fp16) return pack_as<__half>(both, layer, weight, packed, stream);
  pack_as<__nv_bfloat16>(both, layer, weight, packed, stream);
}

}  // namespace

std::size_t conv3x3_forward_packed_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  if (mode.variant == ConvVariant::cudnn) return cudnn_packed_bytes(l, mode);
  return forward_parts(l.low_channels, l.skip_channels, l.out_channels, mode).elements() *
         element_bytes(mode.precision);
}

std::size_t conv3x3_data_gradient_packed_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  if (mode.variant == ConvVariant::cudnn) return cudnn_packed_bytes(l, mode);
  return data_gradient_parts(l.low_channels, l.skip_channels, l.out_channels, mode).elements() *
         element_bytes(mode.precision);
}

void conv3x3_pack_forward(const Conv3x3Layer& l, const ConvMode& mode, const float* weight, void* packed,
                          cudaStream_t stream) {
  if (mode.variant == ConvVariant::cudnn) return cudnn_pack(l, mode, weight, packed, stream);
  pack({forward_parts(l.low_channels, l.skip_channels, l.out_channels, mode), Form::forward_low, Form::forward_skip}, l,
       mode, weight, packed, stream);
}

void conv3x3_pack_data_gradient(const Conv3x3Layer& l, const ConvMode& mode, const float* weight, void* packed,
                                cudaStream_t stream) {
  if (mode.variant == ConvVariant::cudnn) return cudnn_pack(l, mode, weight, packed, stream);
  pack({data_gradient_parts(l.low_channels, l.skip_channels, l.out_channels, mode), Form::gradient_low,
        Form::gradient_skip},
       l, mode, weight, packed, stream);
}

}  // namespace n2s::device
