// The weight gradient's second pass: reduces the splits' partial sums in a fixed order, and the four-phase form's 16
// taps to nine.
#include <algorithm>

#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cuda/weight_gradient.cuh"

namespace n2s::device {
namespace {

constexpr unsigned kReduceThreads = 128;

/// One tap of the packed form, summed over all splits.
__device__ float sum_splits(const WeightSums& s, int tap, int input, int output) {
  const std::size_t first = (static_cast<std::size_t>(tap) * s.split.inputs() + input) * s.split.outputs() + output;
  float sum = 0;
#pragma unroll 8  // loads that are under way together
  for (int split = 0; split < s.split.splits; ++split) sum += s.sums[split * s.split.split_elements() + first];
  return sum;
}

/// Low pixel (0: upper or left one of two) that tap k of three reads in this phase.
__device__ int low_pixel(int phase, int k) {
  return phase == 0 ? (k == 0 ? 0 : 1) : (k == 2 ? 1 : 0);
}

__global__ void reduce_kernel(const WeightSums s) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::size_t weights = static_cast<std::size_t>(9) * s.inputs * s.outputs;
  if (i < weights) {
    const int output = static_cast<int>(i % s.outputs);
    const int input = static_cast<int>(i / s.outputs % s.inputs);
    const int tap = static_cast<int>(i / s.outputs / s.inputs);
    float sum = 0;
    if (s.split.taps == 9) {
      sum = sum_splits(s, tap, input, output);
    } else {
      for (int phase = 0; phase < 4; ++phase) {
        const int pair = 2 * low_pixel(phase / 2, tap / 3) + low_pixel(phase % 2, tap % 3);
        sum += sum_splits(s, 4 * phase + pair, input, output);
      }
    }
    s.weight_gradient[(static_cast<std::size_t>(output) * s.weight_inputs + s.first_input + input) * 9 + tap] = sum;
  } else if (s.bias_gradient != nullptr && i < weights + s.outputs) {
    const std::size_t output = i - weights;
    float sum = 0;
    for (int split = 0; split < s.split.splits; ++split) sum += s.bias[split * s.split.outputs() + output];
    s.bias_gradient[output] = sum;
  }
}

}  // namespace

int block_slots() {
  int device = 0;
  int multiprocessors = 0;
  check(cudaGetDevice(&device), "weight gradient");
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device), "weight gradient");
  return 2 * multiprocessors;
}

void reduce_weight_gradient(const WeightSums& sums, cudaStream_t stream) {
  const std::size_t count = static_cast<std::size_t>(9) * sums.inputs * sums.outputs + sums.outputs;
  launch("weight gradient, reduction", reduce_kernel,
         {dim3(blocks_for(count, kReduceThreads)), dim3(kReduceThreads), 0, stream}, sums);
}

std::size_t weight_gradient_scratch_bytes(const Conv3x3Layer& l) {
  std::size_t elements = 0;  // the parts run one after the other, in the same memory; narrow blocks have two sums each
  if (l.low_channels > 0)
    elements = weight_split<PhaseBand<>>(l.batch, l.height, l.width, l.low_channels, l.out_channels).elements();
  for (const int channels : {l.skip_channels, l.skip_channels / 32 * 32})
    if (channels > 0)
      elements = std::max(elements,
                          weight_split<PlainBand<>>(l.batch, l.height, l.width, channels, l.out_channels).elements());
  if (l.skip_channels % 32 != 0)
    elements = std::max(elements, weight_split<PlainBand<kPatchRows, 1>>(l.batch, l.height, l.width,
                                                                         l.skip_channels % 32, l.out_channels)
                                      .elements());
  return elements * sizeof(float);
}

}  // namespace n2s::device
