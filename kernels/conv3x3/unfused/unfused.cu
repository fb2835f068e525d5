// The kernels before and after a library. One thread has eight channels of a pixel, of a window or of a weight's input.
// They are limited by memory, as all unfused operations are.
#include "kernels/conv3x3/cuda/output_gradient.cuh"
#include "kernels/conv3x3/cuda/window.cuh"
#include "kernels/conv3x3/unfused/unfused.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"

namespace n2s::device::unfused {
namespace {

/// Eight channels of a tensor: their pixel, and the index of the first one.
struct Place {
  std::size_t image;
  int y, x, channel;
};

__device__ __forceinline__ Place place_of(std::size_t index, int height, int width, int groups) {
  const std::size_t pixel = index / groups;
  return {pixel / width / height, static_cast<int>(pixel / width % height), static_cast<int>(pixel % width),
          static_cast<int>(index % groups) * 8};
}

__device__ __forceinline__ std::size_t pixel_at(std::size_t image, int height, int width, int y, int x) {
  return (image * height + y) * width + x;
}

std::size_t groups_of(const Shape& pixels, int stored) {
  return static_cast<std::size_t>(pixels.batch) * static_cast<std::size_t>(pixels.height) *
         static_cast<std::size_t>(pixels.width) * static_cast<std::size_t>(stored / 8);
}

struct Weights {
  int low = 0, skip = 0, outputs = 0;  // channels
  int low_stored = 0, joint = 0;

  /// Place among the OIHW weights of an element in cuDNN's form; negative: padding.
  __device__ __forceinline__ std::ptrdiff_t source_of(std::size_t index) const {
    const int channel = static_cast<int>(index % joint);
    const int tap = static_cast<int>(index / joint % 9);
    const int output = static_cast<int>(index / joint / 9);
    const bool in_low = channel < low_stored;
    const int within = in_low ? channel : channel - low_stored;
    if (output >= outputs || within >= (in_low ? low : skip)) return -1;
    const int input = in_low ? within : low + within;
    return (static_cast<std::ptrdiff_t>(output) * (low + skip) + input) * 9 + tap;
  }
};

Weights weights_of(const Conv3x3Layer& l) {
  return {l.low_channels, l.skip_channels, l.out_channels, padded_channels(l.low_channels), joint_channels(l)};
}

template <typename T>
__global__ void pack_kernel(Weights w, const float* weight, T* packed, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const std::ptrdiff_t from = w.source_of(i);
  packed[i] = from_float<T>(from < 0 ? 0.0F : weight[from]);
}

template <typename T>
__global__ void unpack_kernel(Weights w, const T* packed, float* weight, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const std::ptrdiff_t to = w.source_of(i);
  if (to >= 0) weight[to] = to_float(packed[i]);
}

template <typename T>
struct JoinSource {
  const T* low;
  const T* skip;
  int height, width;
  int low_stored, skip_stored;
  T* joint;
};

template <typename T>
__global__ void join_source_kernel(JoinSource<T> a, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(i, a.height, a.width, (a.low_stored + a.skip_stored) / 8);
  const T* from =
      p.channel < a.low_stored
          ? a.low + pixel_at(p.image, a.height / 2, a.width / 2, p.y / 2, p.x / 2) * a.low_stored + p.channel
          : a.skip + pixel_at(p.image, a.height, a.width, p.y, p.x) * a.skip_stored + (p.channel - a.low_stored);
  float v[8];
  load8(from, v);
  store8(a.joint + 8 * i, v);
}

template <typename T>
__global__ void join_output_gradient_kernel(OutputGradient<T> from, T* joint, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(i, from.height, from.width, from.channels / 8);
  const OutputGradient<T> image = from.of_image(p.image);
#pragma unroll
  for (int c = 0; c < 8; c += kVector<T>)
    store_vector(joint + 8 * i + c, image.at(image.place(p.y, p.x), p.channel + c));
}

/// A thread has a 2x2 window, or what of it is in the image.
template <typename T>
__global__ void finish_kernel(const T* sums, Outputs<T> to, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(i, (to.height + 1) / 2, (to.width + 1) / 2, to.stored / 8);
  write_window(to, static_cast<int>(p.image), 2 * p.y, 2 * p.x, p.channel,
               [&](float(&v)[8], int, int, std::size_t pixel) { load8(sums + pixel * to.stored + p.channel, v); });
}

template <typename T>
struct Split {
  const T* joint;
  int joint_stored, first;  // channels of all, and the first of this part
  int height, width;        // of this part
  int stored;
  T* gradient;
  const T* activated;
  float slope;
  bool accumulate;
};

/// `Upsampled`: four pixels of the joint gradient are summed.
template <typename T, bool Upsampled>
__global__ void split_kernel(Split<T> a, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  constexpr int kScale = Upsampled ? 2 : 1;
  const Place p = place_of(i, a.height, a.width, a.stored / 8);
  float v[8] = {};
#pragma unroll
  for (int position = 0; position < kScale * kScale; ++position) {
    const std::size_t pixel = pixel_at(p.image, kScale * a.height, kScale * a.width, kScale * p.y + position / kScale,
                                       kScale * p.x + position % kScale);
    float part[8];
    load8(a.joint + pixel * a.joint_stored + a.first + p.channel, part);
#pragma unroll
    for (int c = 0; c < 8; ++c) v[c] += part[c];
  }
  if (a.activated != nullptr) {
    float activated[8];
    load8(a.activated + 8 * i, activated);
#pragma unroll
    for (int c = 0; c < 8; ++c)
      if (!(activated[c] > 0)) v[c] *= a.slope;
  }
  if (a.accumulate) {
    float current[8];
    load8(a.gradient + 8 * i, current);
#pragma unroll
    for (int c = 0; c < 8; ++c) v[c] += current[c];
  }
  store8(a.gradient + 8 * i, v);
}

template <typename T>
Split<T> split_of(const void* joint, int joint_stored, int first, const ConvGradientTarget& to) {
  return {static_cast<const T*>(joint),
          joint_stored,
          first,
          to.gradient.shape.height,
          to.gradient.shape.width,
          to.gradient.stored_channels,
          static_cast<T*>(to.gradient.data),
          static_cast<const T*>(to.activated.data),
          static_cast<float>(to.slope),
          to.accumulate};
}

}  // namespace

void pack_weights(const Conv3x3Layer& layer, Precision precision, const float* weight, void* packed,
                  cudaStream_t stream) {
  const std::size_t count = weight_elements(layer);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("packing weights", pack_kernel<T>, grid_for(count, stream), weights_of(layer), weight,
           static_cast<T*>(packed), count);
  });
}

void unpack_weights(const Conv3x3Layer& layer, Precision precision, const void* packed, float* weight,
                    cudaStream_t stream) {
  const std::size_t count = weight_elements(layer);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("weight gradient", unpack_kernel<T>, grid_for(count, stream), weights_of(layer),
           static_cast<const T*>(packed), weight, count);
  });
}

void join_source(const ConvSource& source, const Conv3x3Layer& l, Precision precision, void* joint,
                 cudaStream_t stream) {
  const int low_stored = padded_channels(l.low_channels);
  const int skip_stored = padded_channels(l.skip_channels);
  const std::size_t count = groups_of({l.batch, l.height, l.width, 0}, low_stored + skip_stored);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("upsampling and concatenation", join_source_kernel<T>, grid_for(count, stream),
           JoinSource<T>{static_cast<const T*>(source.low.data), static_cast<const T*>(source.skip.data), l.height,
                         l.width, low_stored, skip_stored, static_cast<T*>(joint)},
           count);
  });
}

void join_output_gradient(const ConvOutputGradient& from, const Conv3x3Layer& l, Precision precision, void* joint,
                          cudaStream_t stream) {
  const std::size_t count = groups_of({l.batch, l.height, l.width, 0}, from.pooled.stored_channels);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("max pooling gradient", join_output_gradient_kernel<T>, grid_for(count, stream),
           output_gradient_of<T>(from, l), static_cast<T*>(joint), count);
  });
}

void finish_outputs(const Conv3x3Forward& p, const Conv3x3Layer& l, Precision precision, const void* sums,
                    cudaStream_t stream) {
  const bool bare = !p.bias && p.slope == 1 && !p.residual && !p.pooled;
  if (bare && sums == p.out.data) return;
  const Shape windows{l.batch, (l.height + 1) / 2, (l.width + 1) / 2, 0};
  const std::size_t count = groups_of(windows, padded_channels(l.out_channels));
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("bias, activation and pooling", finish_kernel<T>, grid_for(count, stream), static_cast<const T*>(sums),
           outputs_of<T>(p, l), count);
  });
}

void split_gradient(const Conv3x3DataGradient& p, const Conv3x3Layer& l, Precision precision, const void* joint,
                    cudaStream_t stream) {
  const int low_stored = padded_channels(l.low_channels);
  const int skip_stored = padded_channels(l.skip_channels);
  const int joint_stored = low_stored + skip_stored;
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    if (p.low.gradient) {
      const std::size_t count = groups_of({l.batch, l.height / 2, l.width / 2, 0}, low_stored);
      launch("upsampling gradient", split_kernel<T, true>, grid_for(count, stream),
             split_of<T>(joint, joint_stored, 0, p.low), count);
    }
    if (p.skip.gradient) {
      const std::size_t count = groups_of({l.batch, l.height, l.width, 0}, skip_stored);
      launch("concatenation gradient", split_kernel<T, false>, grid_for(count, stream),
             split_of<T>(joint, joint_stored, low_stored, p.skip), count);
    }
  });
}

}  // namespace n2s::device::unfused
