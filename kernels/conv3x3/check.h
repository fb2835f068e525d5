// What every version of the convolution checks before it touches memory, on the CPU and on the GPU alike: do the
// tensors of a problem fit together, are they stored as the kernels read them, and is there enough packed and scratch
// memory? Follows CUTLASS's "arguments -> can it run?": everything that a caller can get wrong is found here, once.
#pragma once

#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

/// How a version of the convolution has its problems in memory.
struct ConvStorage {
  Element tensors = Element::fp32;
  Element positions = Element::index8;
  Element parameters = Element::fp32;  // weight, bias and their gradients
  int channel_multiple = 1;            // pixels are padded to multiples of so many channels
  std::size_t alignment = 1;           // of packed weights and scratch memory, bytes
};

/// Each returns the layer that the problem describes, or throws Error with the tensor, and what it should be.
Conv3x3Layer checked_layer(const Conv3x3Forward& problem, const ConvStorage& storage);
Conv3x3Layer checked_layer(const Conv3x3DataGradient& problem, const ConvStorage& storage);
Conv3x3Layer checked_layer(const Conv3x3WeightGradient& problem, const ConvStorage& storage);

/// Throws Error when packed or scratch memory is smaller than needed, or not aligned.
void check_memory(const Conv3x3Forward& problem, const ConvBytes& needed, const ConvStorage& storage);
void check_memory(const Conv3x3DataGradient& problem, const ConvBytes& needed, const ConvStorage& storage);
void check_memory(const Conv3x3WeightGradient& problem, const ConvBytes& needed, const ConvStorage& storage);

/// The same for weights that are to be packed.
void check_packing(const float* weight, ConvPass pass, std::span<const std::byte> packed, const ConvBytes& needed,
                   const ConvStorage& storage);

/// Throws Error when the reference's weights are missing or of another type.
void check_weight(const ConstTypedPointer& weight, const ConvStorage& storage);

/// Throws Error when a layer itself is impossible: no source, an extent of zero, odd extents with upsampled channels.
void check_layer(const Conv3x3Layer& layer);

}  // namespace n2s
