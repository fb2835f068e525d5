// The 3x3 convolution on a GPU: the problems of conv3x3.h, with tensors as in device/tensor.h. The sequence is that of
// every device: can it run, sizes of packed weights and scratch memory, pack, run. README.md explains the variants.
#pragma once

#include <cuda_runtime.h>

#include <optional>
#include <span>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/device/tensor.h"

namespace n2s::device {

class CudnnPlans;  // kernels/conv3x3/cudnn/plans.h

enum class ConvVariant {
  simt,   // fp32 multiply-adds
  wmma,   // tensor cores through wmma: fp16
  mma,    // tensor cores through mma.sync: tf32, fp16, bf16
  cudnn,  // NVIDIA's library, what the others are measured against: every precision
};

struct ConvMode {
  Precision precision = Precision::fp32;
  ConvVariant variant = ConvVariant::simt;
  CudnnPlans* cudnn = nullptr;  // the cudnn variant's state; the others need none
};

/// The compute capability (80 for 8.0) from which on a variant runs in a precision; none: it has no kernels for it.
std::optional<int> least_compute_capability(ConvVariant variant, Precision precision);

/// Whether a device of this compute capability can run it.
bool can_run(ConvVariant variant, Precision precision, int compute_capability);

/// The variant for a precision on a device of this compute capability. Throws Error where the device cannot do it, with
/// what it can.
ConvVariant conv_variant(Precision precision, int compute_capability);

/// Memory that a call needs, to be aligned to 16 bytes. Throws Error when the layer is impossible.
ConvBytes conv3x3_bytes(const Conv3x3Layer& layer, ConvPass pass, const ConvMode& mode);

/// Weights of a layer to be packed: `weight` is OIHW in fp32, `packed` as large as conv3x3_bytes() says, both in device
/// memory.
struct ConvPacking {
  Conv3x3Layer layer;
  ConvPass pass = ConvPass::forward;  // or data_gradient
  const float* weight = nullptr;
  std::span<std::byte> packed;
};

/// Brings weights into the form that the forward pass or the data gradient reads. All layers of a network at once: one
/// by one their launches would take longer than the work.
void conv3x3_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream);

/// The kernels themselves; they return before the work is done. Throws Error when the problem is not one that check.h
/// accepts, or a launch fails. The order of every sum is fixed: results are the same from run to run.
void conv3x3_forward(const Conv3x3Forward& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_data_gradient(const Conv3x3DataGradient& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_weight_gradient(const Conv3x3WeightGradient& problem, const ConvMode& mode, cudaStream_t stream);

}  // namespace n2s::device
