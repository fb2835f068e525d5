// Plain loops over rows, one task a row: these passes are limited by memory, so there is nothing to gain from more.
#include <algorithm>

#include "kernels/base/error.h"
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
template <typename T>
void put(const ConvGradientTarget& to, std::ptrdiff_t element, T gradient) {
  if (to.activated && !(to.activated.as<T>().data[element] > 0)) gradient *= static_cast<T>(to.slope);
  T& place = to.gradient.as<T>().data[element];
  place = to.accumulate ? place + gradient : gradient;
}

template <typename T>
std::ptrdiff_t offset(const Tensor<T>& tensor, int n, int y, int x) {
  return tensor.pixel(n, y, x) - tensor.data;
}

}  // namespace

template <typename T>
void activation(Tensor<const T> in, T slope, Tensor<T> out, ThreadPool& pool) {
  require(in.shape == out.shape, "activation");
  const int row = in.shape.width * in.shape.channels;
  for_rows(in.shape, pool, [&](int n, int y) {
    const T* from = in.pixel(n, y, 0);
    T* to = out.pixel(n, y, 0);
    for (int i = 0; i < row; ++i) to[i] = from[i] > 0 ? from[i] : slope * from[i];
  });
}

template <typename T>
void activation_gradient(Tensor<const T> upstream, Tensor<const T> activated, T slope, const ConvGradientTarget& to,
                         ThreadPool& pool) {
  require(upstream.shape == activated.shape && upstream.shape == to.gradient.shape, "activation gradient");
  const int row = upstream.shape.width * upstream.shape.channels;
  for_rows(upstream.shape, pool, [&](int n, int y) {
    const std::ptrdiff_t begin = offset(upstream, n, y, 0);
    for (std::ptrdiff_t i = begin; i < begin + row; ++i)
      put(to, i, activated.data[i] > 0 ? upstream.data[i] : slope * upstream.data[i]);
  });
}

template <typename T>
void maxpool2(Tensor<const T> in, Tensor<T> out, Tensor<std::uint8_t> argmax, ThreadPool& pool) {
  require(halves(out.shape, in.shape) && (!argmax || argmax.shape == out.shape), "max pooling");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x)
      for (int c = 0; c < out.shape.channels; ++c) {
        int best = 0;
        T largest = in.pixel(n, 2 * y, 2 * x)[c];
        for (int position = 1; position < 4; ++position) {
          const T candidate = in.pixel(n, 2 * y + position / 2, 2 * x + position % 2)[c];
          if (candidate > largest) largest = candidate, best = position;
        }
        out.pixel(n, y, x)[c] = largest;
        if (argmax) argmax.pixel(n, y, x)[c] = static_cast<std::uint8_t>(best);
      }
  });
}

template <typename T>
void maxpool2_gradient(Tensor<const T> upstream, Tensor<const std::uint8_t> argmax, const ConvGradientTarget& to,
                       ThreadPool& pool) {
  require(halves(upstream.shape, to.gradient.shape) && argmax.shape == upstream.shape, "max pooling gradient");
  for_rows(to.gradient.shape, pool, [&](int n, int y) {
    for (int x = 0; x < to.gradient.shape.width; ++x)
      for (int c = 0; c < to.gradient.shape.channels; ++c) {
        const bool chosen = argmax.pixel(n, y / 2, x / 2)[c] == 2 * (y % 2) + x % 2;
        put(to, offset(to.gradient.as<T>(), n, y, x) + c, chosen ? upstream.pixel(n, y / 2, x / 2)[c] : T{0});
      }
  });
}

template <typename T>
void upsample2(Tensor<const T> in, Tensor<T> out, ThreadPool& pool) {
  require(halves(in.shape, out.shape), "upsampling");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x)
      std::copy_n(in.pixel(n, y / 2, x / 2), in.shape.channels, out.pixel(n, y, x));
  });
}

template <typename T>
void upsample2_gradient(Tensor<const T> upstream, const ConvGradientTarget& to, ThreadPool& pool) {
  require(halves(to.gradient.shape, upstream.shape), "upsampling gradient");
  for_rows(to.gradient.shape, pool, [&](int n, int y) {
    for (int x = 0; x < to.gradient.shape.width; ++x)
      for (int c = 0; c < to.gradient.shape.channels; ++c) {
        const T top = upstream.pixel(n, 2 * y, 2 * x)[c] + upstream.pixel(n, 2 * y, 2 * x + 1)[c];
        const T bottom = upstream.pixel(n, 2 * y + 1, 2 * x)[c] + upstream.pixel(n, 2 * y + 1, 2 * x + 1)[c];
        put(to, offset(to.gradient.as<T>(), n, y, x) + c, top + bottom);
      }
  });
}

template <typename T>
void concat(Tensor<const T> first, Tensor<const T> second, Tensor<T> out, ThreadPool& pool) {
  Shape expected = first.shape;
  expected.channels += second.shape.channels;
  require(out.shape == expected && first.shape.pixels() == second.shape.pixels(), "concatenation");
  for_rows(out.shape, pool, [&](int n, int y) {
    for (int x = 0; x < out.shape.width; ++x) {
      T* to = std::copy_n(first.pixel(n, y, x), first.shape.channels, out.pixel(n, y, x));
      std::copy_n(second.pixel(n, y, x), second.shape.channels, to);
    }
  });
}

template <typename T>
void concat_gradient(Tensor<const T> upstream, const ConvGradientTarget& first, const ConvGradientTarget& second,
                     int first_channels, ThreadPool& pool) {
  require(first_channels > 0 && first_channels < upstream.shape.channels &&
              (!first.gradient || first.gradient.shape.channels == first_channels) &&
              (!second.gradient || second.gradient.shape.channels == upstream.shape.channels - first_channels),
          "concatenation gradient");
  for_rows(upstream.shape, pool, [&](int n, int y) {
    for (int x = 0; x < upstream.shape.width; ++x)
      for (int c = 0; c < upstream.shape.channels; ++c) {
        const T gradient = upstream.pixel(n, y, x)[c];
        if (c < first_channels) {
          if (first.gradient) put(first, offset(first.gradient.as<T>(), n, y, x) + c, gradient);
        } else if (second.gradient) {
          put(second, offset(second.gradient.as<T>(), n, y, x) + c - first_channels, gradient);
        }
      }
  });
}

template <typename T>
void add_plane(Tensor<const T> in, Tensor<const T> source, int channel, Tensor<T> out, ThreadPool& pool) {
  require(in.shape == out.shape && in.shape.pixels() == source.shape.pixels() && channel < source.shape.channels,
          "residual");
  for_rows(in.shape, pool, [&](int n, int y) {
    for (int x = 0; x < in.shape.width; ++x)
      for (int c = 0; c < in.shape.channels; ++c)
        out.pixel(n, y, x)[c] = in.pixel(n, y, x)[c] + source.pixel(n, y, x)[channel];
  });
}

template <typename T>
void copy_gradient(Tensor<const T> upstream, const ConvGradientTarget& to, ThreadPool& pool) {
  require(upstream.shape == to.gradient.shape, "residual gradient");
  const int row = upstream.shape.width * upstream.shape.channels;
  for_rows(upstream.shape, pool, [&](int n, int y) {
    const std::ptrdiff_t begin = offset(upstream, n, y, 0);
    for (std::ptrdiff_t i = begin; i < begin + row; ++i) put(to, i, upstream.data[i]);
  });
}

// One line per function and precision: float for the engine, double for the tests.
template void activation(Tensor<const float>, float, Tensor<float>, ThreadPool&);
template void activation(Tensor<const double>, double, Tensor<double>, ThreadPool&);
template void activation_gradient(Tensor<const float>, Tensor<const float>, float, const ConvGradientTarget&,
                                  ThreadPool&);
template void activation_gradient(Tensor<const double>, Tensor<const double>, double, const ConvGradientTarget&,
                                  ThreadPool&);
template void maxpool2(Tensor<const float>, Tensor<float>, Tensor<std::uint8_t>, ThreadPool&);
template void maxpool2(Tensor<const double>, Tensor<double>, Tensor<std::uint8_t>, ThreadPool&);
template void maxpool2_gradient(Tensor<const float>, Tensor<const std::uint8_t>, const ConvGradientTarget&,
                                ThreadPool&);
template void maxpool2_gradient(Tensor<const double>, Tensor<const std::uint8_t>, const ConvGradientTarget&,
                                ThreadPool&);
template void upsample2(Tensor<const float>, Tensor<float>, ThreadPool&);
template void upsample2(Tensor<const double>, Tensor<double>, ThreadPool&);
template void upsample2_gradient(Tensor<const float>, const ConvGradientTarget&, ThreadPool&);
template void upsample2_gradient(Tensor<const double>, const ConvGradientTarget&, ThreadPool&);
template void concat(Tensor<const float>, Tensor<const float>, Tensor<float>, ThreadPool&);
template void concat(Tensor<const double>, Tensor<const double>, Tensor<double>, ThreadPool&);
template void concat_gradient(Tensor<const float>, const ConvGradientTarget&, const ConvGradientTarget&, int,
                              ThreadPool&);
template void concat_gradient(Tensor<const double>, const ConvGradientTarget&, const ConvGradientTarget&, int,
                              ThreadPool&);
template void add_plane(Tensor<const float>, Tensor<const float>, int, Tensor<float>, ThreadPool&);
template void add_plane(Tensor<const double>, Tensor<const double>, int, Tensor<double>, ThreadPool&);
template void copy_gradient(Tensor<const float>, const ConvGradientTarget&, ThreadPool&);
template void copy_gradient(Tensor<const double>, const ConvGradientTarget&, ThreadPool&);

}  // namespace n2s::unfused
