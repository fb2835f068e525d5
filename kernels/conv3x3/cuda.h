// The convolution of conv3x3.h on a GPU: the same three problems, with device tensors (channels padded to eights, one
// of four precisions) and packed weights. conv3x3/README.md tells how the variants work and why.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/device/tensor.h"

namespace n2s::device {

class CudnnPlans;  // kernels/conv3x3/cudnn_plans.h

enum class ConvVariant {
  simt,   // fp32 multiply-adds
  wmma,   // tensor cores through wmma: fp16
  mma,    // tensor cores through mma.sync: tf32, fp16, bf16
  cudnn,  // NVIDIA's library, what the others are measured against: every precision
};

/// What is used for a precision on a device of this compute capability (80 for 8.0). Throws Error where the device
/// cannot do it, with what it can.
ConvVariant conv_variant(Precision precision, int compute_capability);

struct ConvMode {
  Precision precision = Precision::fp32;
  ConvVariant variant = ConvVariant::simt;
  CudnnPlans* cudnn = nullptr;  // where the cudnn variant keeps what it needs; the others need none
};

struct DeviceConvSource {
  DeviceTensor low, skip;  // as ConvSource
};

/// out = activation(conv(source) + bias) + residual, and its 2x2 maximum; see Conv3x3Forward.
struct DeviceConvForward {
  DeviceConvSource source;
  const void* packed = nullptr;  // weights, by conv3x3_pack_forward
  const float* bias = nullptr;   // [C_out], null: none
  float slope = 1;
  DeviceTensor residual;
  int residual_channel = 0;
  DeviceTensor out;
  DeviceTensor pooled;
  std::uint16_t* argmax = nullptr;  // two bits for each element of pooled, eight in a word; optional
  int out_channels = 0;
  void* scratch = nullptr;  // conv3x3_forward_scratch_bytes or more
  std::size_t scratch_bytes = 0;
};

struct DeviceConvUpstream {
  DeviceTensor dense, pooled;
  const std::uint16_t* argmax = nullptr;  // goes with pooled
};

struct DeviceGradientTarget {
  DeviceTensor gradient;   // null: not wanted
  DeviceTensor activated;  // null: no activation
  float slope = 1;
  bool accumulate = false;
};

/// See Conv3x3DataGradient.
struct DeviceConvDataGradient {
  DeviceConvUpstream upstream;
  const void* packed = nullptr;  // weights, by conv3x3_pack_data_gradient
  int low_channels = 0, skip_channels = 0;
  DeviceGradientTarget low, skip;
  void* scratch = nullptr;  // conv3x3_data_gradient_scratch_bytes or more
  std::size_t scratch_bytes = 0;
};

/// See Conv3x3WeightGradient. Gradients are fp32 in every mode.
struct DeviceConvWeightGradient {
  DeviceConvSource source;
  DeviceConvUpstream upstream;
  float* weight_gradient = nullptr;  // OIHW
  float* bias_gradient = nullptr;    // [C_out]; null: not wanted
};

/// Bytes of a layer's packed weights and of a pass's scratch memory, of which only some need any.
std::size_t conv3x3_forward_packed_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t conv3x3_data_gradient_packed_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t conv3x3_forward_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t conv3x3_data_gradient_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);
std::size_t conv3x3_weight_gradient_scratch_bytes(const Conv3x3Layer& layer, const ConvMode& mode);

/// Brings OIHW fp32 weights (device memory) into the form that the kernels read.
void conv3x3_pack_forward(const Conv3x3Layer& layer, const ConvMode& mode, const float* weight, void* packed,
                          cudaStream_t stream);
void conv3x3_pack_data_gradient(const Conv3x3Layer& layer, const ConvMode& mode, const float* weight, void* packed,
                                cudaStream_t stream);

/// The kernels themselves; they return before the work is done. Throws Error when shapes do not fit together or a
/// launch fails. The order of every sum is fixed: results are the same from run to run.
void conv3x3_forward(const DeviceConvForward& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_data_gradient(const DeviceConvDataGradient& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_weight_gradient(const DeviceConvWeightGradient& problem, const ConvMode& mode, void* scratch,
                             std::size_t scratch_bytes, cudaStream_t stream);

}  // namespace n2s::device
