// The 3x3 convolution on the CPU: fp32, SIMD chosen at run time, threads. The sequence is that of every device: sizes
// of packed weights and scratch memory, pack, run.
#pragma once

#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

enum class CpuConvVariant {
  automatic,  // what is measured to be faster for the shape
  direct,     // tap by tap as a matrix product; the exact four-phase form for upsampled channels (9 -> 4 taps)
  winograd,   // F(4x4, 3x3): 2.25 multiplications per pixel instead of 9, and 1.5625 for upsampled channels
  bf16,       // as automatic, but Winograd's products are of bfloat16 values, with fp32 sums; fast where
              // bf16::has_instruction()
};

/// Memory that a call needs with a pool of `threads` threads, to be aligned to 64 bytes; tensors need no alignment.
/// Throws Error when the layer is impossible.
ConvBytes conv3x3_bytes_cpu(const Conv3x3Layer& layer, ConvPass pass, CpuConvVariant variant, int threads);

/// Brings OIHW weights into the form that the forward pass or the data gradient reads. To be repeated when the weights
/// change, not for every call.
void conv3x3_pack_cpu(const ConvPacking& packing, CpuConvVariant variant, ThreadPool& pool);

/// Results are bit-identical for any number of threads. Throws Error when the problem is not one that check.h accepts.
void conv3x3_forward_cpu(const Conv3x3Forward& problem, CpuConvVariant variant, ThreadPool& pool);
void conv3x3_data_gradient_cpu(const Conv3x3DataGradient& problem, CpuConvVariant variant, ThreadPool& pool);
void conv3x3_weight_gradient_cpu(const Conv3x3WeightGradient& problem, CpuConvVariant variant, ThreadPool& pool);

}  // namespace n2s
