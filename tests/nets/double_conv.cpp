// Everything becomes a matrix product over flat pixels. Images get a border of one pixel and lie one after the other,
// so that a tap is one and the same shift for all pixels; what is computed on the border is never read.
#include "double_conv.h"

#include <vector>

#include "kernels/conv3x3/check.h"

// Compiled for several instruction sets; the loader takes the best that the CPU has. Sanitizers
// instrument the function that chooses and are not up yet when it runs.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define N2S_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define N2S_FOR_EACH_CPU
#endif

namespace n2s {
namespace {

constexpr ConvStorage kStorage{Element::fp64, Element::index8, Element::fp64};
constexpr int kLanes = 8;
constexpr int kChunk = 64;  // flat pixels per task
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double)), aligned(alignof(double)), may_alias));

/// a(row, k) lies at data[row * row_step + k * k_step]: with the steps exchanged it is the transposed matrix.
struct Left {
  const double* data;
  std::ptrdiff_t row_step, k_step;
};

/// c += a b for `rows` x `depth` by `depth` x `columns`; rows are a multiple of 4 and columns of kLanes.
N2S_FOR_EACH_CPU void multiply_add(int rows, int columns, int depth, Left a, const double* b, double* c) {
  for (int column = 0; column < columns; column += kLanes)
    for (int row = 0; row < rows; row += 4) {
      const double* left = a.data + row * a.row_step;
      const double* right = b + column;
      double* place = c + std::ptrdiff_t{row} * columns + column;
      auto* out0 = reinterpret_cast<Lanes*>(place);                // NOLINT: Lanes may alias and is not aligned
      auto* out1 = reinterpret_cast<Lanes*>(place + columns);      // NOLINT
      auto* out2 = reinterpret_cast<Lanes*>(place + 2 * columns);  // NOLINT
      auto* out3 = reinterpret_cast<Lanes*>(place + 3 * columns);  // NOLINT
      Lanes sum0 = *out0, sum1 = *out1, sum2 = *out2, sum3 = *out3;
      for (int k = 0; k < depth; ++k, left += a.k_step, right += columns) {
        const Lanes values = *reinterpret_cast<const Lanes*>(right);  // NOLINT
        sum0 += left[0] * values;
        sum1 += left[a.row_step] * values;
        sum2 += left[2 * a.row_step] * values;
        sum3 += left[3 * a.row_step] * values;
      }
      *out0 = sum0;
      *out1 = sum1;
      *out2 = sum2;
      *out3 = sum3;
    }
}

int padded(int channels) {
  return (channels + kLanes - 1) / kLanes * kLanes;
}

/// Zero-bordered images, flat, with zeros before and after them for shifts and for the last chunk.
struct Images {
  Images(const Conv3x3Layer& layer, int channels)
      : height(layer.height),
        row(layer.width + 2),
        stride(padded(channels)),
        pixels(std::ptrdiff_t{layer.batch} * (height + 2) * row),
        margin(row + 1 + kChunk),
        data(static_cast<std::size_t>((pixels + 2 * margin) * stride)) {}

  double* flat(std::ptrdiff_t pixel) { return data.data() + (pixel + margin) * stride; }
  const double* flat(std::ptrdiff_t pixel) const { return data.data() + (pixel + margin) * stride; }
  double* pixel(int n, int y, int x) { return flat((std::ptrdiff_t{n} * (height + 2) + y + 1) * row + x + 1); }
  std::ptrdiff_t shift(int tap) const { return std::ptrdiff_t{tap / 3 - 1} * row + tap % 3 - 1; }
  std::ptrdiff_t chunks() const { return (pixels + kChunk - 1) / kChunk; }

  int height, row, stride;  // stride: doubles from pixel to pixel
  std::ptrdiff_t pixels, margin;
  std::vector<double> data;
};

template <typename Work>
void for_pixels(const Conv3x3Layer& layer, Work&& work) {
  for (int n = 0; n < layer.batch; ++n)
    for (int y = 0; y < layer.height; ++y)
      for (int x = 0; x < layer.width; ++x) work(n, y, x);
}

int inputs(const Conv3x3Layer& layer) {
  return layer.low_channels + layer.skip_channels;
}

Images concatenated(const ConvSource& source, const Conv3x3Layer& layer) {
  Images images(layer, inputs(layer));
  for_pixels(layer, [&](int n, int y, int x) {
    double* to = images.pixel(n, y, x);
    for (int c = 0; c < layer.low_channels; ++c) *to++ = source.low.as<double>().pixel(n, y / 2, x / 2)[c];
    for (int c = 0; c < layer.skip_channels; ++c) *to++ = source.skip.as<double>().pixel(n, y, x)[c];
  });
  return images;
}

Images unpooled(const ConvOutputGradient& from, const Conv3x3Layer& layer) {
  Images images(layer, layer.out_channels);
  for_pixels(layer, [&](int n, int y, int x) {
    double* to = images.pixel(n, y, x);
    for (int c = 0; c < layer.out_channels; ++c) {
      if (from.dense) to[c] = from.dense.as<double>().pixel(n, y, x)[c];
      if (from.pooled && from.argmax.as<std::uint8_t>().pixel(n, y / 2, x / 2)[c] == 2 * (y % 2) + x % 2)
        to[c] += from.pooled.as<double>().pixel(n, y / 2, x / 2)[c];
    }
  });
  return images;
}

/// Calls work(place in [tap][from][to], place in OIHW) for every weight; `from` and `to` are padded.
template <typename Work>
void for_weights(const Conv3x3Layer& layer, bool from_inputs, Work&& work) {
  const int from = padded(from_inputs ? inputs(layer) : layer.out_channels);
  const int to = padded(from_inputs ? layer.out_channels : inputs(layer));
  std::size_t oihw = 0;
  for (int out = 0; out < layer.out_channels; ++out)
    for (int in = 0; in < inputs(layer); ++in)
      for (int tap = 0; tap < 9; ++tap) {
        const int line = tap * from + (from_inputs ? in : out);
        work(static_cast<std::size_t>(line) * static_cast<std::size_t>(to) +
                 static_cast<std::size_t>(from_inputs ? out : in),
             oihw++);
      }
}

std::vector<double> by_tap(const double* weight, const Conv3x3Layer& layer, bool from_inputs) {
  std::vector<double> taps(static_cast<std::size_t>(9 * padded(inputs(layer)) * padded(layer.out_channels)));
  for_weights(layer, from_inputs, [&](std::size_t place, std::size_t oihw) { taps[place] = weight[oihw]; });
  return taps;
}

/// Sums all taps; `sign` is -1 for the data gradient, which looks from the source at the outputs it contributes to.
void convolve(const Images& from, const std::vector<double>& taps, int sign, Images& to, ThreadPool& pool) {
  pool.parallel_for(from.chunks(), [&](std::ptrdiff_t chunk, int) {
    for (int tap = 0; tap < 9; ++tap)
      multiply_add(kChunk, to.stride, from.stride, {from.flat(chunk * kChunk + sign * from.shift(tap)), from.stride, 1},
                   taps.data() + std::ptrdiff_t{tap} * from.stride * to.stride, to.flat(chunk * kChunk));
  });
}

void pool_windows(const Conv3x3Forward& p, Images& out) {
  const Shape& half = p.pooled.shape;
  for_pixels({half.batch, half.height, half.width, 0, 0, 0}, [&](int n, int y, int x) {
    for (int c = 0; c < half.channels; ++c) {
      int where = 0;
      const auto at = [&](int i) { return out.pixel(n, 2 * y + i / 2, 2 * x + i % 2)[c]; };
      for (int i = 1; i < 4; ++i)
        if (at(i) > at(where)) where = i;
      p.pooled.as<double>().pixel(n, y, x)[c] = at(where);
      if (p.argmax) p.argmax.as<std::uint8_t>().pixel(n, y, x)[c] = static_cast<std::uint8_t>(where);
    }
  });
}

void store(const ConvGradientTarget& to, int n, int y, int x, int channel, double gradient) {
  const bool falls = to.activated && !(to.activated.as<double>().pixel(n, y, x)[channel] > 0);
  double& place = to.gradient.as<double>().pixel(n, y, x)[channel];
  place = (to.accumulate ? place : 0) + (falls ? to.slope * gradient : gradient);
}

}  // namespace

void double_forward(const Conv3x3Forward& p, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(p, kStorage);
  Images out(layer, layer.out_channels);
  convolve(concatenated(p.source, layer), by_tap(p.weight.as<double>(), layer, true), 1, out, pool);
  for_pixels(layer, [&](int n, int y, int x) {
    double* values = out.pixel(n, y, x);
    for (int c = 0; c < layer.out_channels; ++c) {
      const double sum = values[c] + (p.bias ? p.bias.as<double>()[c] : 0);
      values[c] = (sum > 0 ? sum : p.slope * sum) +
                  (p.residual ? p.residual.as<double>().pixel(n, y, x)[p.residual_channel] : 0);
      if (p.out) p.out.as<double>().pixel(n, y, x)[c] = values[c];
    }
  });
  if (p.pooled) pool_windows(p, out);
}

void double_data_gradient(const Conv3x3DataGradient& p, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(p, kStorage);
  Images gradient(layer, inputs(layer));
  convolve(unpooled(p.output_gradient, layer), by_tap(p.weight.as<double>(), layer, false), -1, gradient, pool);
  if (p.low.gradient)
    for_pixels({layer.batch, layer.height / 2, layer.width / 2, 0, 0, 0}, [&](int n, int y, int x) {
      for (int c = 0; c < layer.low_channels; ++c) {
        double sum = 0;
        for (int i = 0; i < 4; ++i) sum += gradient.pixel(n, 2 * y + i / 2, 2 * x + i % 2)[c];
        store(p.low, n, y, x, c, sum);
      }
    });
  if (p.skip.gradient)
    for_pixels(layer, [&](int n, int y, int x) {
      for (int c = 0; c < layer.skip_channels; ++c)
        store(p.skip, n, y, x, c, gradient.pixel(n, y, x)[layer.low_channels + c]);
    });
}

void double_weight_gradient(const Conv3x3WeightGradient& p, ThreadPool& pool) {
  const Conv3x3Layer layer = checked_layer(p, kStorage);
  const Images source = concatenated(p.source, layer);
  Images gradient = unpooled(p.output_gradient, layer);
  const std::ptrdiff_t matrix = std::ptrdiff_t{source.stride} * gradient.stride;
  std::vector<double> taps(static_cast<std::size_t>(9 * matrix));
  pool.parallel_for(9, [&](std::ptrdiff_t tap, int) {
    for (std::ptrdiff_t pixel = 0; pixel < source.pixels; pixel += kChunk)  // the gradient's border is zero
      multiply_add(source.stride, gradient.stride, kChunk,
                   {source.flat(pixel + source.shift(static_cast<int>(tap))), 1, source.stride}, gradient.flat(pixel),
                   taps.data() + tap * matrix);
  });
  for_weights(layer, true,
              [&](std::size_t place, std::size_t oihw) { p.weight_gradient.as<double>()[oihw] = taps[place]; });
  for (int c = 0; p.bias_gradient && c < layer.out_channels; ++c) {
    double& sum = p.bias_gradient.as<double>()[c];
    sum = 0;
    for_pixels(layer, [&](int n, int y, int x) { sum += gradient.pixel(n, y, x)[c]; });
  }
}

}  // namespace n2s
