// The unfused operations on the CPU: loops over rows, one task per row. They are limited by memory traffic, so explicit
// vector code would gain nothing.
#include <algorithm>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/unfused/blur.h"
#include "kernels/unfused/unfused.h"

namespace n2s::unfused {
namespace {

void require(bool fits, const char* operation) {
  if (!fits) throw Error(std::string(operation) + ": the shapes do not fit together");
}

/// Calls row(n, y) for every row of the shape.
template <typename Row>
void for_rows(const Shape& shape, ThreadPool& pool, Row&& row) {
  pool.parallel_for(std::ptrdiff_t{shape.batch} * shape.height, [&](std::ptrdiff_t index, int) {
    row(static_cast<int>(index / shape.height), static_cast<int>(index % shape.height));
  });
}

bool halves(const Shape& low, const Shape& high) {
  return high == Shape{low.batch, 2 * low.height, 2 * low.width, low.channels};
}

/// Adds or stores one gradient element, through the activation's derivative if there was one.
void put(const ConvGradientTarget& to, std::ptrdiff_t element, float gradient) {
  if (to.activated && !(to.activated.as<float>().data[element] > 0)) gradient *= static_cast<float>(to.slope);
  float& place = to.gradient.as<float>().data[element];
  place = to.accumulate ? place + gradient : gradient;
}

template <typename T>
std::ptrdiff_t offset(const Tensor<T>& tensor, int n, int y, int x) {
  return tensor.pixel(n, y, x) - tensor.data;
}

/// The largest value of the window that begins at (y, x), for each channel. It is cut at the far edges.
void largest_of(ConstFloatTensor in, int n, int y, int x, float* out) {
  const int below = std::min(y + 1, in.shape.height - 1);
  const int right = std::min(x + 1, in.shape.width - 1);
  const float *a = in.pixel(n, y, x), *b = in.pixel(n, y, right), *c = in.pixel(n, below, x),
              *d = in.pixel(n, below, right);
  for (int i = 0; i < in.shape.channels; ++i) out[i] = std::max(std::max(a[i], b[i]), std::max(c[i], d[i]));
}

/// What the maximum of the window that begins at (y, x) gets from the outputs that it enters, for each channel.
void gradient_of_maximum(ConstFloatTensor output_gradient, int n, int y, int x, float* out) {
  const BlurOutputs rows = blur_outputs(y, output_gradient.shape.height);
  const BlurOutputs columns = blur_outputs(x, output_gradient.shape.width);
  std::fill_n(out, output_gradient.shape.channels, 0.0F);
  for (int row = rows.first; row <= rows.last; ++row)
    for (int column = columns.first; column <= columns.last; ++column) {
      const float weight = blur_weight(row, y) * blur_weight(column, x);
      const float* from = output_gradient.pixel(n, row, column);
      for (int i = 0; i < output_gradient.shape.channels; ++i) out[i] += weight * from[i];
    }
}

/// A pixel in the window of a maximum.
struct InWindow {
  int y, x;       // of the pixel
  int top, left;  // of the window
};

/// gradient[i] = 0 for the channels in which another pixel of the window is the first of the largest.
void keep_where_largest(ConstFloatTensor in, int n, const InWindow& at, float* gradient) {
  const float* own = in.pixel(n, at.y, at.x);
  for (int y = at.top; y <= std::min(at.top + 1, in.shape.height - 1); ++y)
    for (int x = at.left; x <= std::min(at.left + 1, in.shape.width - 1); ++x) {
      if (y == at.y && x == at.x) continue;
      const float* other = in.pixel(n, y, x);
      const bool is_earlier = y < at.y || (y == at.y && x < at.x);
      if (is_earlier)
        for (int i = 0; i < in.shape.channels; ++i) gradient[i] = own[i] > other[i] ? gradient[i] : 0.0F;
      else
        for (int i = 0; i < in.shape.channels; ++i) gradient[i] = own[i] >= other[i] ? gradient[i] : 0.0F;
    }
}

}  // namespace

void activation(ConstFloatTensor in, float slope, FloatTensor out, ThreadPool& pool) {
  require(in.shape == out.shape, "activation");
  const int row = in.shape.width * in.shape.channels;
  for_rows(in.shape, pool, [&](int n, int y) {
    const float* from = in.pixel(n, y, 0);
    float* to = out.pixel(n, y, 0);
    for (int i = 0; i < row; ++i) to[i] = from[i] > 0 ? from[i] : slope * from[i];
  });
}

void activation_gradient(ConstFloatTensor output_gradient, ConstFloatTensor activated, float slope,
                         const ConvGradientTarget& to, ThreadPool& pool) {
  require(output_gradient.shape == activated.shape && output_gradient.shape == to.gradient.shape,
          "activation gradient");
  const int row = output_gradient.shape.width * output_gradient.shape.channels;
  for_rows(output_gradient.shape, pool, [&](int n, int y) {
    const std::ptrdiff_t begin = offset(output_gradient, n, y, 0);
    for (std::ptrdiff_t i = begin; i < begin + row; ++i)
      put(to, i, activated.data[i] > 0 ? output_gradient.data[i] : slope * output_gradient.data[i]);
  });
}

void maxpool2(ConstFloatTensor in, FloatTensor out, Tensor<std::uint8_t> argmax, ThreadPool& pool) {
  require(halves(out.shape, in.shape) && (!argmax || argmax.shape == out.shape), "max pooling");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x)
      for (int c = 0; c < out.shape.channels; ++c) {
        int best = 0;
        float largest = in.pixel(n, 2 * y, 2 * x)[c];
        for (int position = 1; position < 4; ++position) {
          const float candidate = in.pixel(n, 2 * y + position / 2, 2 * x + position % 2)[c];
          if (candidate > largest) largest = candidate, best = position;
        }
        out.pixel(n, y, x)[c] = largest;
        if (argmax) argmax.pixel(n, y, x)[c] = static_cast<std::uint8_t>(best);
      }
  });
}

void maxpool2_gradient(ConstFloatTensor output_gradient, Tensor<const std::uint8_t> argmax,
                       const ConvGradientTarget& to, ThreadPool& pool) {
  require(halves(output_gradient.shape, to.gradient.shape) && argmax.shape == output_gradient.shape,
          "max pooling gradient");
  for_rows(to.gradient.shape, pool, [&](int n, int y) {
    for (int x = 0; x < to.gradient.shape.width; ++x)
      for (int c = 0; c < to.gradient.shape.channels; ++c) {
        const bool chosen = argmax.pixel(n, y / 2, x / 2)[c] == 2 * (y % 2) + x % 2;
        put(to, offset(to.gradient.as<float>(), n, y, x) + c,
            chosen ? output_gradient.pixel(n, y / 2, x / 2)[c] : 0.0F);
      }
  });
}

void blurpool2(ConstFloatTensor in, FloatTensor out, ThreadPool& pool) {
  require(halves(out.shape, in.shape), "blurred pooling");
  const int channels = in.shape.channels;
  for_rows(out.shape, pool, [&](int n, int y) {
    std::vector<float> largest(static_cast<std::size_t>(channels));
    for (int x = 0; x < out.shape.width; ++x) {
      float* sums = out.pixel(n, y, x);
      std::fill_n(sums, channels, 0.0F);
      for (int row = std::max(0, 2 * y - 1); row <= 2 * y + 1; ++row)
        for (int column = std::max(0, 2 * x - 1); column <= 2 * x + 1; ++column) {
          largest_of(in, n, row, column, largest.data());
          const float weight = blur_weight(y, row) * blur_weight(x, column);
          for (int c = 0; c < channels; ++c) sums[c] += weight * largest[static_cast<std::size_t>(c)];
        }
    }
  });
}

void blurpool2_gradient(ConstFloatTensor output_gradient, ConstFloatTensor in, const ConvGradientTarget& to,
                        ThreadPool& pool) {
  require(halves(output_gradient.shape, in.shape) && in.shape == to.gradient.shape, "blurred pooling gradient");
  const auto channels = static_cast<std::size_t>(in.shape.channels);
  for_rows(in.shape, pool, [&](int n, int y) {
    std::vector<float> sums(channels);
    std::vector<float> part(channels);
    for (int x = 0; x < in.shape.width; ++x) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      for (int row = std::max(0, y - 1); row <= y; ++row)
        for (int column = std::max(0, x - 1); column <= x; ++column) {
          gradient_of_maximum(output_gradient, n, row, column, part.data());
          keep_where_largest(in, n, {y, x, row, column}, part.data());
          for (std::size_t c = 0; c < channels; ++c) sums[c] += part[c];
        }
      const std::ptrdiff_t first = offset(to.gradient.as<float>(), n, y, x);
      for (std::size_t c = 0; c < channels; ++c) put(to, first + static_cast<std::ptrdiff_t>(c), sums[c]);
    }
  });
}

void upsample2(ConstFloatTensor in, FloatTensor out, ThreadPool& pool) {
  require(halves(in.shape, out.shape), "upsampling");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x)
      std::copy_n(in.pixel(n, y / 2, x / 2), in.shape.channels, out.pixel(n, y, x));
  });
}

void upsample2_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& to, ThreadPool& pool) {
  require(halves(to.gradient.shape, output_gradient.shape), "upsampling gradient");
  for_rows(to.gradient.shape, pool, [&](int n, int y) {
    for (int x = 0; x < to.gradient.shape.width; ++x)
      for (int c = 0; c < to.gradient.shape.channels; ++c) {
        const float top = output_gradient.pixel(n, 2 * y, 2 * x)[c] + output_gradient.pixel(n, 2 * y, 2 * x + 1)[c];
        const float bottom =
            output_gradient.pixel(n, 2 * y + 1, 2 * x)[c] + output_gradient.pixel(n, 2 * y + 1, 2 * x + 1)[c];
        put(to, offset(to.gradient.as<float>(), n, y, x) + c, top + bottom);
      }
  });
}

void concat(ConstFloatTensor first, ConstFloatTensor second, FloatTensor out, ThreadPool& pool) {
  Shape expected = first.shape;
  expected.channels += second.shape.channels;
  require(out.shape == expected && first.shape.pixels() == second.shape.pixels(), "concatenation");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x) {
      float* to = std::copy_n(first.pixel(n, y, x), first.shape.channels, out.pixel(n, y, x));
      std::copy_n(second.pixel(n, y, x), second.shape.channels, to);
    }
  });
}

void concat_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& first,
                     const ConvGradientTarget& second, int first_channels, ThreadPool& pool) {
  require(first_channels > 0 && first_channels < output_gradient.shape.channels &&
              (!first.gradient || first.gradient.shape.channels == first_channels) &&
              (!second.gradient || second.gradient.shape.channels == output_gradient.shape.channels - first_channels),
          "concatenation gradient");
  for_rows(output_gradient.shape, pool, [&](int n, int y) {
    for (int x = 0; x < output_gradient.shape.width; ++x)
      for (int c = 0; c < output_gradient.shape.channels; ++c) {
        const float gradient = output_gradient.pixel(n, y, x)[c];
        if (c < first_channels) {
          if (first.gradient) put(first, offset(first.gradient.as<float>(), n, y, x) + c, gradient);
        } else if (second.gradient) {
          put(second, offset(second.gradient.as<float>(), n, y, x) + c - first_channels, gradient);
        }
      }
  });
}

void add_plane(ConstFloatTensor in, ConstFloatTensor source, int channel, FloatTensor out, ThreadPool& pool) {
  require(in.shape == out.shape && in.shape.pixels() == source.shape.pixels() && channel < source.shape.channels,
          "residual");
  for_rows(in.shape, pool, [&](int n, int y) {
    for (int x = 0; x < in.shape.width; ++x)
      for (int c = 0; c < in.shape.channels; ++c)
        out.pixel(n, y, x)[c] = in.pixel(n, y, x)[c] + source.pixel(n, y, x)[channel];
  });
}

void copy_gradient(ConstFloatTensor output_gradient, const ConvGradientTarget& to, ThreadPool& pool) {
  require(output_gradient.shape == to.gradient.shape, "residual gradient");
  const int row = output_gradient.shape.width * output_gradient.shape.channels;
  for_rows(output_gradient.shape, pool, [&](int n, int y) {
    const std::ptrdiff_t begin = offset(output_gradient, n, y, 0);
    for (std::ptrdiff_t i = begin; i < begin + row; ++i) put(to, i, output_gradient.data[i]);
  });
}

}  // namespace n2s::unfused
