// What the reference and the fast versions check before they touch memory: do the tensors of a problem fit together?
// Follows cutlass's "arguments -> can it run?": everything that a caller can get wrong is found here, once.
#pragma once

#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

/// Each returns the layer that the problem describes, or throws Error with the tensor and both shapes.
template <typename T>
Conv3x3Layer checked_layer(const Conv3x3Forward<T>& problem);
template <typename T>
Conv3x3Layer checked_layer(const Conv3x3DataGradient<T>& problem);
template <typename T>
Conv3x3Layer checked_layer(const Conv3x3WeightGradient<T>& problem);

/// Throws Error when a layer itself is impossible: no source, an extent of zero, odd extents with upsampled channels.
void check_layer(const Conv3x3Layer& layer);

/// Throws Error when `have` floats of memory (packed weights, scratch) are fewer than `need`, or not 64-byte aligned.
void check_memory(const char* what, const float* data, std::size_t have, std::size_t need);

}  // namespace n2s
