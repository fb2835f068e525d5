// A convolution of the emulated cuDNN: its operands in device memory, and how the reference computes it.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstddef>
#include <vector>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cudnn/library.h"
#include "kernels/device/warp_matrix.h"

namespace n2s::device {

/// A convolution that is in a stream.
struct EmulatedCall {
  Shape x;
  int outputs = 0;
  CudnnFunctions::Math math = CudnnFunctions::default_math;
  CudnnFunctions::DataType type = CudnnFunctions::float32;
  const void* read[2]{};  // x and w, y and w, or x and y
  void* written = nullptr;
  void* workspace = nullptr;
  void (*run)(const EmulatedCall& call) = nullptr;
};

/// Rounded as the tensor cores do with what they read.
inline double loaded(const EmulatedCall& call, const void* from, std::size_t i) {
  if (call.type == CudnnFunctions::float16) return __half2float(static_cast<const __half*>(from)[i]);
  if (call.type == CudnnFunctions::bfloat16) return __bfloat162float(static_cast<const __nv_bfloat16*>(from)[i]);
  const float value = static_cast<const float*>(from)[i];
  return call.math == CudnnFunctions::fma_math ? value : round_to_tf32(value);
}

inline std::vector<double> load(const EmulatedCall& call, const void* from, const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = loaded(call, from, i);
  return values;
}

inline void store(const EmulatedCall& call, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<float>(values[i]);
    if (call.type == CudnnFunctions::float16)
      static_cast<__half*>(call.written)[i] = __float2half_rn(value);
    else if (call.type == CudnnFunctions::bfloat16)
      static_cast<__nv_bfloat16*>(call.written)[i] = __float2bfloat16_rn(value);
    else
      static_cast<float*>(call.written)[i] = value;
  }
}

inline Shape y_shape(const EmulatedCall& call) {
  return {call.x.batch, call.x.height, call.x.width, call.outputs};
}
/// [output][tap][input] as the library has them.
inline Shape w_shape(const EmulatedCall& call) {
  return {call.outputs, 3, 3, call.x.channels};
}

/// Between [output][tap][input] and [output][input][tap].
inline std::vector<double> transposed(const std::vector<double>& from, const EmulatedCall& call, bool to_oihw) {
  std::vector<double> to(from.size());
  const auto inputs = static_cast<std::size_t>(call.x.channels);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t input = i % inputs;
    const std::size_t tap = i / inputs % 9;
    const std::size_t oihw = (i / inputs / 9 * inputs + input) * 9 + tap;
    to[to_oihw ? oihw : i] = from[to_oihw ? i : oihw];
  }
  return to;
}

inline void run_forward(const EmulatedCall& call) {
  const std::vector<double> x = load(call, call.read[0], call.x);
  const std::vector<double> w = transposed(load(call, call.read[1], w_shape(call)), call, true);
  std::vector<double> y(static_cast<std::size_t>(y_shape(call).elements()));
  Conv3x3Forward p;
  p.source.skip = {x.data(), call.x};
  p.weight = w.data();
  p.out = {y.data(), y_shape(call)};
  conv3x3_forward_reference(p);
  store(call, y);
}

inline void run_data_gradient(const EmulatedCall& call) {
  const std::vector<double> y = load(call, call.read[0], y_shape(call));
  const std::vector<double> w = transposed(load(call, call.read[1], w_shape(call)), call, true);
  std::vector<double> x(static_cast<std::size_t>(call.x.elements()));
  Conv3x3DataGradient p;
  p.output_gradient.dense = {y.data(), y_shape(call)};
  p.weight = w.data();
  p.skip_channels = call.x.channels;
  p.skip.gradient = {x.data(), call.x};
  conv3x3_data_gradient_reference(p);
  store(call, x);
}

inline void run_weight_gradient(const EmulatedCall& call) {
  const std::vector<double> x = load(call, call.read[0], call.x);
  const std::vector<double> y = load(call, call.read[1], y_shape(call));
  std::vector<double> w(static_cast<std::size_t>(w_shape(call).elements()));
  Conv3x3WeightGradient p;
  p.source.skip = {x.data(), call.x};
  p.output_gradient.dense = {y.data(), y_shape(call)};
  p.weight_gradient = w.data();
  conv3x3_weight_gradient_reference(p);
  store(call, transposed(w, call, false));
}

}  // namespace n2s::device
