// The direct variant: a chunk of two output rows at a time, its sources copied into scratch with a border of zeros.
// There, the three pixels under a row of the filter are contiguous, so each filter row is a matrix product whose A rows
// overlap, and no im2col copy is needed. Upsampled channels use the exact four-phase form: output pixels of one parity
// see a 2x2 filter of summed weights at the low resolution (9 -> 4 taps). One output channel, where a matrix product
// would waste all lanes but one, has its own forward and weight gradient.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cpu/floats.h"

namespace n2s::direct {

constexpr int padded(int channels) {
  return (channels + 15) / 16 * 16;
}
constexpr std::ptrdiff_t aligned(std::ptrdiff_t floats) {
  return (floats + 31) / 16 * 16;
}  // and room for a tail

/// Two rows of up to 64 output pixels.
struct Chunks {
  explicit Chunks(const Conv3x3Layer& l)
      : width(std::min(64, (l.width + 1) / 2 * 2)),
        rows((l.height + 1) / 2),
        columns((l.width + width - 1) / width),
        count(std::ptrdiff_t{l.batch} * rows * columns) {}
  struct Place {
    int n, y, x;  // image; first output pixel
  };
  Place operator[](std::ptrdiff_t index) const {
    const auto row = index / columns;
    return {static_cast<int>(row / rows), static_cast<int>(row % rows) * 2, static_cast<int>(index % columns) * width};
  }
  int width;  // even
  int rows, columns;
  std::ptrdiff_t count;
};

/// Copies of the sources around a chunk: skip [4][width + 2][C_skip], low [3][width / 2 + 2][C_low].
struct Staging {
  explicit Staging(const Conv3x3Layer& l)
      : chunks(l),
        skip(aligned(std::ptrdiff_t{4} * (chunks.width + 2) * l.skip_channels)),
        low(aligned(std::ptrdiff_t{3} * (chunks.width / 2 + 2) * l.low_channels)) {}
  Chunks chunks;
  std::ptrdiff_t skip, low;  // floats
};

/// One output channel is a dot product along the channels when those fill vectors.
inline bool is_dot_product(const Conv3x3Layer& l) {
  return l.out_channels == 1 && l.low_channels == 0 && l.skip_channels % 16 == 0;
}

struct ForwardPlan {
  explicit ForwardPlan(const Conv3x3Layer& l)
      : staging(l),
        columns(padded(l.out_channels)),
        phases(l.low_channels > 0 ? 4 : 1),
        depth(4 * l.low_channels + 9 * l.skip_channels),
        sums(std::ptrdiff_t{2} * staging.chunks.width * columns),
        per_thread(staging.skip + staging.low + sums) {}
  std::ptrdiff_t packed() const { return std::ptrdiff_t{phases} * depth * columns; }
  Staging staging;
  int columns, phases, depth;
  std::ptrdiff_t sums, per_thread;
};

/// The output gradient is staged as [4][width + 2][C_out]. The low part sees it through a 4x4 filter with stride 2.
struct DataGradientPlan {
  explicit DataGradientPlan(const Conv3x3Layer& l)
      : chunks(l),
        low_columns(padded(l.low_channels)),
        skip_columns(padded(l.skip_channels)),
        low_packed(std::ptrdiff_t{16} * l.out_channels * low_columns),
        packed(low_packed + std::ptrdiff_t{9} * l.out_channels * skip_columns),
        output_gradient(aligned(std::ptrdiff_t{4} * (chunks.width + 2) * l.out_channels)),
        sums(std::ptrdiff_t{2} * chunks.width * std::max(low_columns, skip_columns)),
        per_thread(output_gradient + sums) {}
  Chunks chunks;
  int low_columns, skip_columns;
  std::ptrdiff_t low_packed, packed, output_gradient, sums, per_thread;
};

/// Slices of chunks depend on the shape alone. Scratch per thread: staged sources, the output gradient
/// [2][width][columns], sums for the low part [4 phases][2][2 * C_low][columns] and the skip part [9 *
/// C_skip][columns].
struct WeightGradientPlan {
  explicit WeightGradientPlan(const Conv3x3Layer& l)
      : staging(l),
        columns(padded(l.out_channels)),
        inputs(l.low_channels + l.skip_channels),
        slices(std::clamp<std::ptrdiff_t>(staging.chunks.count * staging.chunks.width / 512, 1, 16)),
        output_gradient(std::ptrdiff_t{2} * (staging.chunks.width + 2) * columns),
        sums(std::ptrdiff_t{16 * l.low_channels + 9 * l.skip_channels} * columns),
        per_thread(staging.skip + staging.low + output_gradient + sums),
        per_slice(std::ptrdiff_t{9 * inputs + 1} * columns) {}
  std::ptrdiff_t slice_begin(std::ptrdiff_t slice) const { return staging.chunks.count * slice / slices; }
  Staging staging;
  int columns, inputs;
  std::ptrdiff_t slices, output_gradient, sums, per_thread, per_slice;
};

void forward_pack(const Conv3x3Layer& layer, const float* weight, float* packed, ThreadPool& pool);
void data_gradient_pack(const Conv3x3Layer& layer, const float* weight, float* packed, ThreadPool& pool);

/// The problem is checked; its packed and scratch memory is large enough.
void forward(const Conv3x3Layer& layer, const Conv3x3Forward& problem, ThreadPool& pool);
void data_gradient(const Conv3x3Layer& layer, const Conv3x3DataGradient& problem, ThreadPool& pool);
void weight_gradient(const Conv3x3Layer& layer, const Conv3x3WeightGradient& problem, ThreadPool& pool);

}  // namespace n2s::direct
