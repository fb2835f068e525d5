// One thread has eight channels of a pixel and a tap, or one weight.
#include "kernels/conv3x3/cublas/im2col.h"
#include "kernels/conv3x3/unfused/unfused.h"
#include "kernels/device/element.h"
#include "kernels/device/grid.h"

namespace n2s::device {
namespace {

template <typename T>
__global__ void patches_kernel(const T* images, int height, int width, int channels, int first_row, T* patches,
                               std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const int groups = channels / 8;
  const int channel = static_cast<int>(i % groups) * 8;
  const int tap = static_cast<int>(i / groups % 9);
  const std::size_t pixel = i / groups / 9;
  const std::size_t row = first_row + pixel / width;
  const int y = static_cast<int>(row % height) + tap / 3 - 1;
  const int x = static_cast<int>(pixel % width) + tap % 3 - 1;
  const bool inside = y >= 0 && y < height && x >= 0 && x < width;
  const std::size_t from = ((row / height * height + (inside ? y : 0)) * width + (inside ? x : 0)) * channels + channel;
#pragma unroll
  for (int c = 0; c < 8; c += kVector<T>)
    store_vector(patches + 8 * i + c, inside ? load_vector(images + from + c) : zero_vector<T>());
}

struct FlippedWeights {
  int low, skip, outputs;                 // channels
  int low_stored, joint, outputs_stored;  // with padding
};

template <typename T>
__global__ void flip_kernel(FlippedWeights w, const float* weight, T* packed, std::size_t count) {
  const std::size_t i = grid_index();
  if (i >= count) return;
  const int output = static_cast<int>(i % w.outputs_stored);
  const int tap = 8 - static_cast<int>(i / w.outputs_stored % 9);
  const int channel = static_cast<int>(i / w.outputs_stored / 9);
  const bool in_low = channel < w.low_stored;
  const int within = in_low ? channel : channel - w.low_stored;
  const bool is_padding = output >= w.outputs || within >= (in_low ? w.low : w.skip);
  const int input = in_low ? within : w.low + within;
  const float value =
      is_padding ? 0.0F : weight[(static_cast<std::size_t>(output) * (w.low + w.skip) + input) * 9 + tap];
  packed[i] = from_float<T>(value);
}

}  // namespace

void make_patches(const PatchSource& source, const PatchRows& rows, Precision precision, void* patches,
                  cudaStream_t stream) {
  const std::size_t count = static_cast<std::size_t>(rows.count) * static_cast<std::size_t>(source.width) * 9 *
                            static_cast<std::size_t>(source.channels / 8);
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("patches of a convolution", patches_kernel<T>, grid_for(count, stream), static_cast<const T*>(source.images),
           source.height, source.width, source.channels, rows.first, static_cast<T*>(patches), count);
  });
}

void pack_flipped_weights(const Conv3x3Layer& l, Precision precision, const float* weight, void* packed,
                          cudaStream_t stream) {
  const std::size_t count = unfused::weight_elements(l);
  const FlippedWeights weights{l.low_channels,
                               l.skip_channels,
                               l.out_channels,
                               padded_channels(l.low_channels),
                               unfused::joint_channels(l),
                               padded_channels(l.out_channels)};
  with_element(precision, [&](auto zero) {
    using T = decltype(zero);
    launch("packing weights", flip_kernel<T>, grid_for(count, stream), weights, weight, static_cast<T*>(packed), count);
  });
}

}  // namespace n2s::device
