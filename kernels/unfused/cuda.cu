// The unfused operations on a GPU, one element per thread (pooling: eight channels). They are limited by memory
// traffic, which fusion avoids.
#include "kernels/base/error.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"
#include "kernels/device/precision.h"
#include "kernels/unfused/blur.h"
#include "kernels/unfused/cuda.h"

namespace n2s::device::unfused {
namespace {

using n2s::unfused::blur_outputs;
using n2s::unfused::blur_weight;
using n2s::unfused::BlurOutputs;

void require(bool fits, const char* operation) {
  if (!fits) throw Error(std::string(operation) + ": the shapes do not fit together");
}

/// A tensor, as a kernel argument.
template <typename T>
struct View {
  T* data = nullptr;
  int height = 0, width = 0, channels = 0, stored = 0;

  __device__ __forceinline__ T& at(std::size_t image, int y, int x, int channel) const {
    return data[((image * height + y) * width + x) * stored + channel];
  }
};

template <typename T>
View<T> view(const DeviceTensor& t) {
  return {static_cast<T*>(t.data), t.shape.height, t.shape.width, t.shape.channels, padded_channels(t.shape.channels)};
}

/// Position of an element.
struct Place {
  std::size_t image;
  int y, x, channel;
};

template <typename T>
__device__ __forceinline__ Place place_of(const View<T>& v, std::size_t index) {
  const std::size_t pixel = index / v.stored;
  return {pixel / v.width / v.height, static_cast<int>(pixel / v.width % v.height), static_cast<int>(pixel % v.width),
          static_cast<int>(index % v.stored)};
}

template <typename T>
struct Target {
  View<T> gradient;
  const T* activated;
  float slope;
  bool accumulate;

  __device__ __forceinline__ void put(std::size_t index, float value) const {
    if (activated != nullptr && !(to_float(activated[index]) > 0)) value *= slope;
    if (accumulate) value += to_float(gradient.data[index]);
    gradient.data[index] = from_float<T>(value);
  }
};

template <typename T>
Target<T> target(const ConvGradientTarget& to) {
  return {view<T>(to.gradient), static_cast<const T*>(to.activated.data), static_cast<float>(to.slope), to.accumulate};
}

template <typename T>
__global__ void activation_kernel(const T* in, float slope, T* out, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const float value = to_float(in[i]);
  out[i] = from_float<T>(value > 0 ? value : slope * value);
}

template <typename T>
__global__ void activation_gradient_kernel(const T* output_gradient, const T* activated, float slope, Target<T> to,
                                           std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const float value = to_float(output_gradient[i]);
  to.put(i, to_float(activated[i]) > 0 ? value : slope * value);
}

/// Eight channels of a window per thread: their positions share a word.
template <typename T>
__global__ void maxpool2_kernel(View<T> in, View<T> out, std::uint16_t* argmax, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(out, 8 * i);
  unsigned positions = 0;
  for (int c = 0; c < 8; ++c) {
    unsigned best = 0;
    float largest = 0;
    for (unsigned position = 0; position < 4; ++position) {
      const float value = to_float(in.at(p.image, 2 * p.y + static_cast<int>(position / 2),
                                         2 * p.x + static_cast<int>(position % 2), p.channel + c));
      if (position == 0 || value > largest) {
        largest = value;
        best = position;
      }
    }
    out.data[8 * i + c] = from_float<T>(largest);
    positions |= best << (2 * c);
  }
  if (argmax != nullptr) argmax[i] = static_cast<std::uint16_t>(positions);
}

template <typename T>
__global__ void maxpool2_gradient_kernel(View<T> output_gradient, const std::uint16_t* argmax, Target<T> to,
                                         std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(to.gradient, i);
  const std::size_t window =
      ((p.image * output_gradient.height + p.y / 2) * output_gradient.width + p.x / 2) * output_gradient.stored +
      p.channel;
  const unsigned position = argmax[window / 8] >> (2 * (p.channel % 8)) & 3U;
  const bool chosen = position == 2 * (static_cast<unsigned>(p.y) % 2) + static_cast<unsigned>(p.x) % 2;
  to.put(i, chosen ? to_float(output_gradient.data[window]) : 0.0F);
}

/// The first largest value of a 2x2 window.
struct Maximum {
  float value;
  int y, x;
};

template <typename T>
__device__ Maximum largest_of(const View<T>& in, const Place& p, int top, int left) {
  Maximum largest{to_float(in.at(p.image, top, left, p.channel)), top, left};
  for (int y = top; y <= min(top + 1, in.height - 1); ++y)
    for (int x = left; x <= min(left + 1, in.width - 1); ++x) {
      const float value = to_float(in.at(p.image, y, x, p.channel));
      if (value > largest.value) largest = {value, y, x};
    }
  return largest;
}

template <typename T>
__global__ void blurpool2_kernel(View<T> in, View<T> out, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(out, i);
  float sum = 0;
  for (int row = max(0, 2 * p.y - 1); row <= 2 * p.y + 1; ++row)
    for (int column = max(0, 2 * p.x - 1); column <= 2 * p.x + 1; ++column)
      sum += blur_weight(p.y, row) * blur_weight(p.x, column) * largest_of(in, p, row, column).value;
  out.data[i] = from_float<T>(sum);
}

/// What a maximum gets from the outputs that it enters.
template <typename T>
__device__ float gradient_of_maximum(const View<T>& output_gradient, const Place& p, int y, int x) {
  const BlurOutputs rows = blur_outputs(y, output_gradient.height);
  const BlurOutputs columns = blur_outputs(x, output_gradient.width);
  float sum = 0;
  for (int row = rows.first; row <= rows.last; ++row)
    for (int column = columns.first; column <= columns.last; ++column)
      sum +=
          blur_weight(row, y) * blur_weight(column, x) * to_float(output_gradient.at(p.image, row, column, p.channel));
  return sum;
}

template <typename T>
__global__ void blurpool2_gradient_kernel(View<T> output_gradient, View<T> in, Target<T> to, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(to.gradient, i);
  float sum = 0;
  for (int row = max(0, p.y - 1); row <= p.y; ++row)
    for (int column = max(0, p.x - 1); column <= p.x; ++column) {
      const Maximum largest = largest_of(in, p, row, column);
      if (largest.y == p.y && largest.x == p.x) sum += gradient_of_maximum(output_gradient, p, row, column);
    }
  to.put(i, sum);
}

template <typename T>
__global__ void upsample2_kernel(View<T> in, View<T> out, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(out, i);
  out.data[i] = in.at(p.image, p.y / 2, p.x / 2, p.channel);
}

template <typename T>
__global__ void upsample2_gradient_kernel(View<T> output_gradient, Target<T> to, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(to.gradient, i);
  const auto at = [&](int dy, int dx) {
    return to_float(output_gradient.at(p.image, 2 * p.y + dy, 2 * p.x + dx, p.channel));
  };
  to.put(i, (at(0, 0) + at(0, 1)) + (at(1, 0) + at(1, 1)));
}

template <typename T>
__global__ void concat_kernel(View<T> first, View<T> second, View<T> out, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(out, i);
  T value = from_float<T>(0.0F);
  if (p.channel < first.channels)
    value = first.at(p.image, p.y, p.x, p.channel);
  else if (p.channel < out.channels)
    value = second.at(p.image, p.y, p.x, p.channel - first.channels);
  out.data[i] = value;
}

template <typename T>
__global__ void concat_gradient_kernel(View<T> output_gradient, int first_channel, Target<T> to, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(to.gradient, i);
  const bool real = p.channel < to.gradient.channels;
  to.put(i, real ? to_float(output_gradient.at(p.image, p.y, p.x, first_channel + p.channel)) : 0.0F);
}

template <typename T>
__global__ void add_plane_kernel(View<T> in, View<T> source, int channel, View<T> out, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const Place p = place_of(out, i);
  const float sum = to_float(in.data[i]) + to_float(source.at(p.image, p.y, p.x, channel));
  out.data[i] = from_float<T>(p.channel < out.channels ? sum : 0.0F);
}

template <typename T>
__global__ void copy_gradient_kernel(const T* output_gradient, Target<T> to, std::size_t count) {
  const std::size_t i = grid_index();
  if (i < count) to.put(i, to_float(output_gradient[i]));
}

bool halves(const Shape& low, const Shape& high) {
  return high == Shape{low.batch, 2 * low.height, 2 * low.width, low.channels};
}

bool same_pixels(const Shape& a, const Shape& b) {
  return a.batch == b.batch && a.height == b.height && a.width == b.width;
}

}  // namespace

void activation(const DeviceTensor& in, float slope, const DeviceTensor& out, Precision precision,
                cudaStream_t stream) {
  require(in.shape == out.shape, "activation");
  const std::size_t count = elements_of(out.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("activation", activation_kernel<T>, grid_for(count, stream), static_cast<const T*>(in.data), slope,
           static_cast<T*>(out.data), count);
  });
}

void activation_gradient(const DeviceTensor& output_gradient, const DeviceTensor& activated, float slope,
                         const ConvGradientTarget& to, Precision precision, cudaStream_t stream) {
  require(output_gradient.shape == activated.shape && output_gradient.shape == to.gradient.shape,
          "activation gradient");
  const std::size_t count = elements_of(output_gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("activation gradient", activation_gradient_kernel<T>, grid_for(count, stream),
           static_cast<const T*>(output_gradient.data), static_cast<const T*>(activated.data), slope, target<T>(to),
           count);
  });
}

void maxpool2(const DeviceTensor& in, const DeviceTensor& out, std::uint16_t* argmax, Precision precision,
              cudaStream_t stream) {
  require(halves(out.shape, in.shape), "max pooling");
  const std::size_t count = elements_of(out.shape) / 8;
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("max pooling", maxpool2_kernel<T>, grid_for(count, stream), view<T>(in), view<T>(out), argmax, count);
  });
}

void maxpool2_gradient(const DeviceTensor& output_gradient, const std::uint16_t* argmax, const ConvGradientTarget& to,
                       Precision precision, cudaStream_t stream) {
  require(halves(output_gradient.shape, to.gradient.shape), "max pooling gradient");
  const std::size_t count = elements_of(to.gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("max pooling gradient", maxpool2_gradient_kernel<T>, grid_for(count, stream), view<T>(output_gradient),
           argmax, target<T>(to), count);
  });
}

void blurpool2(const DeviceTensor& in, const DeviceTensor& out, Precision precision, cudaStream_t stream) {
  require(halves(out.shape, in.shape), "blurred pooling");
  const std::size_t count = elements_of(out.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("blurred pooling", blurpool2_kernel<T>, grid_for(count, stream), view<T>(in), view<T>(out), count);
  });
}

void blurpool2_gradient(const DeviceTensor& output_gradient, const DeviceTensor& in, const ConvGradientTarget& to,
                        Precision precision, cudaStream_t stream) {
  require(halves(output_gradient.shape, in.shape) && in.shape == to.gradient.shape, "blurred pooling gradient");
  const std::size_t count = elements_of(to.gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("blurred pooling gradient", blurpool2_gradient_kernel<T>, grid_for(count, stream), view<T>(output_gradient),
           view<T>(in), target<T>(to), count);
  });
}

void upsample2(const DeviceTensor& in, const DeviceTensor& out, Precision precision, cudaStream_t stream) {
  require(halves(in.shape, out.shape), "upsampling");
  const std::size_t count = elements_of(out.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("upsampling", upsample2_kernel<T>, grid_for(count, stream), view<T>(in), view<T>(out), count);
  });
}

void upsample2_gradient(const DeviceTensor& output_gradient, const ConvGradientTarget& to, Precision precision,
                        cudaStream_t stream) {
  require(halves(to.gradient.shape, output_gradient.shape), "upsampling gradient");
  const std::size_t count = elements_of(to.gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("upsampling gradient", upsample2_gradient_kernel<T>, grid_for(count, stream), view<T>(output_gradient),
           target<T>(to), count);
  });
}

void concat(const DeviceTensor& first, const DeviceTensor& second, const DeviceTensor& out, Precision precision,
            cudaStream_t stream) {
  require(same_pixels(first.shape, out.shape) && same_pixels(second.shape, out.shape) &&
              out.shape.channels == first.shape.channels + second.shape.channels,
          "concatenation");
  const std::size_t count = elements_of(out.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("concatenation", concat_kernel<T>, grid_for(count, stream), view<T>(first), view<T>(second), view<T>(out),
           count);
  });
}

void concat_gradient(const DeviceTensor& output_gradient, int first_channel, const ConvGradientTarget& to,
                     Precision precision, cudaStream_t stream) {
  require(same_pixels(output_gradient.shape, to.gradient.shape) &&
              first_channel + to.gradient.shape.channels <= output_gradient.shape.channels,
          "concatenation gradient");
  const std::size_t count = elements_of(to.gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("concatenation gradient", concat_gradient_kernel<T>, grid_for(count, stream), view<T>(output_gradient),
           first_channel, target<T>(to), count);
  });
}

void add_plane(const DeviceTensor& in, const DeviceTensor& source, int channel, const DeviceTensor& out,
               Precision precision, cudaStream_t stream) {
  require(
      in.shape == out.shape && same_pixels(in.shape, source.shape) && channel >= 0 && channel < source.shape.channels,
      "residual");
  const std::size_t count = elements_of(out.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("residual", add_plane_kernel<T>, grid_for(count, stream), view<T>(in), view<T>(source), channel,
           view<T>(out), count);
  });
}

void copy_gradient(const DeviceTensor& output_gradient, const ConvGradientTarget& to, Precision precision,
                   cudaStream_t stream) {
  require(output_gradient.shape == to.gradient.shape, "residual gradient");
  const std::size_t count = elements_of(output_gradient.shape);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("residual gradient", copy_gradient_kernel<T>, grid_for(count, stream),
           static_cast<const T*>(output_gradient.data), target<T>(to), count);
  });
}

}  // namespace n2s::device::unfused
