// The unfused operations on a GPU: what `--no-fusion` runs. Contracts as in unfused.h; tensors as in device/tensor.h.
#pragma once

#include <cuda_runtime.h>

#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s::device::unfused {

void activation(const DeviceTensor& in, float slope, const DeviceTensor& out, Precision precision, cudaStream_t stream);
void activation_gradient(const DeviceTensor& output_gradient, const DeviceTensor& activated, float slope,
                         const ConvGradientTarget& to, Precision precision, cudaStream_t stream);

/// `argmax` has two bits for each element of `out`, eight in a word; null: not stored.
void maxpool2(const DeviceTensor& in, const DeviceTensor& out, std::uint16_t* argmax, Precision precision,
              cudaStream_t stream);
void maxpool2_gradient(const DeviceTensor& output_gradient, const std::uint16_t* argmax, const ConvGradientTarget& to,
                       Precision precision, cudaStream_t stream);

void blurpool2(const DeviceTensor& in, const DeviceTensor& out, Precision precision, cudaStream_t stream);
void blurpool2_gradient(const DeviceTensor& output_gradient, const DeviceTensor& in, const ConvGradientTarget& to,
                        Precision precision, cudaStream_t stream);

void upsample2(const DeviceTensor& in, const DeviceTensor& out, Precision precision, cudaStream_t stream);
void upsample2_gradient(const DeviceTensor& output_gradient, const ConvGradientTarget& to, Precision precision,
                        cudaStream_t stream);

void concat(const DeviceTensor& first, const DeviceTensor& second, const DeviceTensor& out, Precision precision,
            cudaStream_t stream);
/// `to.gradient` receives the channels from `first_channel` on.
void concat_gradient(const DeviceTensor& output_gradient, int first_channel, const ConvGradientTarget& to,
                     Precision precision, cudaStream_t stream);

void add_plane(const DeviceTensor& in, const DeviceTensor& source, int channel, const DeviceTensor& out,
               Precision precision, cudaStream_t stream);
void copy_gradient(const DeviceTensor& output_gradient, const ConvGradientTarget& to, Precision precision,
                   cudaStream_t stream);

}  // namespace n2s::device::unfused
