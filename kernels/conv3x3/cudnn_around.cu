// One thread for eight channels of a pixel, of a window or of a weight's input. Limited by memory, like all that is not
// fused.
#include <algorithm>

#include "kernels/conv3x3/cudnn_around.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"
#include "kernels/device/shared_memory.h"

namespace n2s::device::around {
namespace {

/// Eight channels of a tensor: of which pixel, and the first one's number.
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
struct JoinUpstream {
  const T* dense;
  const T* pooled;
  const std::uint16_t* argmax;
  int height, width, stored;
  T* joint;
};

template <typename T>
__global__ void join_upstream_kernel(JoinUpstream<T> a, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(i, a.height, a.width, a.stored / 8);
  float v[8] = {};
  if (a.dense != nullptr) load8(a.dense + 8 * i, v);
  const std::size_t window = pixel_at(p.image, a.height / 2, a.width / 2, p.y / 2, p.x / 2) * a.stored + p.channel;
  const unsigned positions = a.argmax[window / 8];
  const unsigned here = 2 * (static_cast<unsigned>(p.y) % 2) + static_cast<unsigned>(p.x) % 2;
  float through[8];
  load8(a.pooled + window, through);
#pragma unroll
  for (int c = 0; c < 8; ++c)
    if ((positions >> (2 * c) & 3U) == here) v[c] += through[c];
  store8(a.joint + 8 * i, v);
}

template <typename T>
struct Finish {
  const T* sums;
  int height, width, channels, stored;
  const float* bias;
  float slope;
  const T* residual;
  int residual_stored, residual_channel;
  T* out;
  T* pooled;
  std::uint16_t* argmax;
};

/// Bias, activation and residual for eight channels of a pixel; padding stays zero.
template <typename T>
__device__ __forceinline__ void finish8(float (&v)[8], const Finish<T>& a, int channel, std::size_t pixel) {
  const float residual =
      a.residual != nullptr ? to_float(a.residual[pixel * a.residual_stored + a.residual_channel]) : 0.0F;
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const bool real = channel + c < a.channels;
    const float sum = v[c] + (real && a.bias != nullptr ? a.bias[channel + c] : 0.0F);
    v[c] = real ? (sum > 0 ? sum : a.slope * sum) + residual : 0.0F;
  }
}

/// A thread has a 2x2 window, or what of it is in the image.
template <typename T>
__global__ void finish_kernel(Finish<T> a, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(i, (a.height + 1) / 2, (a.width + 1) / 2, a.stored / 8);
  float maximum[8] = {};
  unsigned positions = 0;
#pragma unroll
  for (int position = 0; position < 4; ++position) {
    const int y = 2 * p.y + position / 2;
    const int x = 2 * p.x + position % 2;
    if (y >= a.height || x >= a.width) continue;
    const std::size_t pixel = pixel_at(p.image, a.height, a.width, y, x);
    float v[8];
    load8(a.sums + pixel * a.stored + p.channel, v);
    finish8(v, a, p.channel, pixel);
    if (a.out != nullptr) store8(a.out + pixel * a.stored + p.channel, v);
#pragma unroll
    for (int c = 0; c < 8; ++c) {
      // Of values that are equal once rounded the first one counts, in every variant.
      const float rounded = to_float(from_float<T>(v[c]));
      if (position == 0 || rounded > maximum[c]) {
        maximum[c] = rounded;
        positions = (positions & ~(3U << (2 * c))) | (static_cast<unsigned>(position) << (2 * c));
      }
    }
  }
  if (a.pooled == nullptr) return;  // then it may be a part of a window
  store8(a.pooled + 8 * i, maximum);
  if (a.argmax != nullptr) a.argmax[i] = static_cast<std::uint16_t>(positions);
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
    float present[8];
    load8(a.gradient + 8 * i, present);
#pragma unroll
    for (int c = 0; c < 8; ++c) v[c] += present[c];
  }
  store8(a.gradient + 8 * i, v);
}

template <typename T>
Split<T> split_of(const void* joint, int joint_stored, int first, const DeviceGradientTarget& to) {
  return {static_cast<const T*>(joint),
          joint_stored,
          first,
          to.gradient.shape.height,
          to.gradient.shape.width,
          padded_channels(to.gradient.shape.channels),
          static_cast<T*>(to.gradient.data),
          static_cast<const T*>(to.activated.data),
          to.slope,
          to.accumulate};
}

/// The bias gradient's first pass: each block sums up one range of pixels for at most 32 groups of channels.
struct BiasSplit {
  std::size_t pixels = 0, pixels_a_split = 0;
  unsigned splits = 0;
  int groups = 0;  // of eight channels

  std::size_t elements() const { return static_cast<std::size_t>(splits) * static_cast<std::size_t>(groups) * 8; }
};
constexpr int kBlockGroups = 32;

BiasSplit bias_split(std::size_t pixels, int channels) {
  constexpr std::size_t kFewestPixels = 512;
  constexpr std::size_t kMostSplits = 512;
  BiasSplit s;
  s.pixels = pixels;
  s.pixels_a_split = std::max(kFewestPixels, (pixels + kMostSplits - 1) / kMostSplits);
  s.splits = static_cast<unsigned>((pixels + s.pixels_a_split - 1) / s.pixels_a_split);
  s.groups = padded_channels(channels) / 8;
  return s;
}

template <typename T>
__global__ void bias_kernel(BiasSplit s, const T* upstream, float* sums) {
  auto* shared = shared_memory<float>();
  const int first_group = static_cast<int>(blockIdx.y) * kBlockGroups;
  const int groups = min(kBlockGroups, s.groups - first_group);
  const int rows = static_cast<int>(kGridThreads) / groups;  // pixels that are read at a time
  const int row = static_cast<int>(threadIdx.x) / groups;
  const int group = static_cast<int>(threadIdx.x) % groups;
  float sum[8] = {};
  if (row < rows) {
    const std::size_t first = blockIdx.x * s.pixels_a_split;
    const std::size_t end = first + s.pixels_a_split < s.pixels ? first + s.pixels_a_split : s.pixels;
    for (std::size_t pixel = first + row; pixel < end; pixel += rows) {
      float v[8];
      load8(upstream + (pixel * s.groups + first_group + group) * 8, v);
#pragma unroll
      for (int c = 0; c < 8; ++c) sum[c] += v[c];
    }
  }
#pragma unroll
  for (int c = 0; c < 8; ++c) shared[c * kGridThreads + threadIdx.x] = sum[c];
  __syncthreads();
  if (static_cast<int>(threadIdx.x) >= 8 * groups) return;
  const int channel = static_cast<int>(threadIdx.x) / groups;
  float total = 0;
  for (int r = 0; r < rows; ++r) total += shared[channel * kGridThreads + r * groups + group];
  sums[(static_cast<std::size_t>(blockIdx.x) * s.groups + first_group + group) * 8 + channel] = total;
}

__global__ void add_bias_kernel(BiasSplit s, const float* sums, float* gradient, std::size_t channels) {
  const std::size_t channel = grid_index();
  if (channel >= channels) return;
  float sum = 0;
  for (unsigned split = 0; split < s.splits; ++split)
    sum += sums[static_cast<std::size_t>(split) * s.groups * 8 + channel];
  gradient[channel] = sum;
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

void join_source(const DeviceConvSource& source, Precision precision, void* joint, cudaStream_t stream) {
  const Shape& low = source.low.shape;
  const Shape pixels = source.low ? Shape{low.batch, 2 * low.height, 2 * low.width, 0} : source.skip.shape;
  const int low_stored = source.low ? padded_channels(low.channels) : 0;
  const int skip_stored = source.skip ? padded_channels(source.skip.shape.channels) : 0;
  const std::size_t count = groups_of(pixels, low_stored + skip_stored);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("upsampling and concatenation", join_source_kernel<T>, grid_for(count, stream),
           JoinSource<T>{static_cast<const T*>(source.low.data), static_cast<const T*>(source.skip.data), pixels.height,
                         pixels.width, low_stored, skip_stored, static_cast<T*>(joint)},
           count);
  });
}

void join_upstream(const DeviceConvUpstream& upstream, Precision precision, void* joint, cudaStream_t stream) {
  const Shape& half = upstream.pooled.shape;
  const Shape pixels{half.batch, 2 * half.height, 2 * half.width, half.channels};
  const int stored = padded_channels(half.channels);
  const std::size_t count = groups_of(pixels, stored);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("max pooling gradient", join_upstream_kernel<T>, grid_for(count, stream),
           JoinUpstream<T>{static_cast<const T*>(upstream.dense.data), static_cast<const T*>(upstream.pooled.data),
                           upstream.argmax, pixels.height, pixels.width, stored, static_cast<T*>(joint)},
           count);
  });
}

void finish(const DeviceConvForward& p, const Shape& pixels, Precision precision, const void* sums,
            cudaStream_t stream) {
  const bool bare = p.bias == nullptr && p.slope == 1 && !p.residual && !p.pooled;
  if (bare && sums == p.out.data) return;
  const int stored = padded_channels(p.out_channels);
  const Shape windows{pixels.batch, (pixels.height + 1) / 2, (pixels.width + 1) / 2, 0};
  const std::size_t count = groups_of(windows, stored);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    Finish<T> a{};
    a.sums = static_cast<const T*>(sums);
    a.height = pixels.height;
    a.width = pixels.width;
    a.channels = p.out_channels;
    a.stored = stored;
    a.bias = p.bias;
    a.slope = p.slope;
    a.residual = static_cast<const T*>(p.residual.data);
    a.residual_stored = padded_channels(p.residual.shape.channels);
    a.residual_channel = p.residual_channel;
    a.out = static_cast<T*>(p.out.data);
    a.pooled = static_cast<T*>(p.pooled.data);
    a.argmax = p.argmax;
    launch("bias, activation and pooling", finish_kernel<T>, grid_for(count, stream), a, count);
  });
}

void split_gradient(const DeviceConvDataGradient& p, const Shape& pixels, Precision precision, const void* joint,
                    cudaStream_t stream) {
  const int low_stored = padded_channels(p.low_channels);
  const int joint_stored = low_stored + padded_channels(p.skip_channels);
  const Shape half{pixels.batch, pixels.height / 2, pixels.width / 2, 0};
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    if (p.low.gradient) {
      const std::size_t count = groups_of(half, low_stored);
      launch("upsampling gradient", split_kernel<T, true>, grid_for(count, stream),
             split_of<T>(joint, joint_stored, 0, p.low), count);
    }
    if (p.skip.gradient) {
      const std::size_t count = groups_of(pixels, joint_stored - low_stored);
      launch("concatenation gradient", split_kernel<T, false>, grid_for(count, stream),
             split_of<T>(joint, joint_stored, low_stored, p.skip), count);
    }
  });
}

std::size_t bias_scratch_bytes(const Conv3x3Layer& l) {
  const Shape pixels{l.batch, l.height, l.width, 1};
  return bias_split(static_cast<std::size_t>(pixels.pixels()), l.out_channels).elements() * sizeof(float);
}

void bias_gradient(const DeviceTensor& upstream, Precision precision, float* scratch, float* gradient,
                   cudaStream_t stream) {
  const BiasSplit s = bias_split(static_cast<std::size_t>(upstream.shape.pixels()), upstream.shape.channels);
  const auto channels = static_cast<std::size_t>(upstream.shape.channels);
  LaunchShape shape;
  shape.grid = dim3(s.splits, blocks_for(static_cast<std::size_t>(s.groups), kBlockGroups));
  shape.block = dim3(kGridThreads);
  shape.shared_bytes = std::size_t{8} * kGridThreads * sizeof(float);
  shape.stream = stream;
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("bias gradient", bias_kernel<T>, shape, s, static_cast<const T*>(upstream.data), scratch);
  });
  launch("bias gradient", add_bias_kernel, grid_for(channels, stream), s, static_cast<const float*>(scratch), gradient,
         channels);
}

}  // namespace n2s::device::around
