// Gathers a planned batch on a GPU: one pixel per thread, all of its channels, with noise where the plan says so.
#include "kernels/gather_planes/cuda.h"

#include "kernels/base/error.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"
#include "kernels/device/precision.h"

namespace n2s::device {
namespace {

// Pixels per block. Where a window is transposed, eight rows of it read whole 32-byte sectors of the plane's rows.
constexpr int kBlockWidth = 32;
constexpr int kBlockHeight = 8;

template <typename T>
struct GatherArguments {
  const PlannedSample* samples = nullptr;
  const PlannedPlane* planes = nullptr;
  int stride = 0;
  Augmentation augmentation;
  PixelNoise noise;
  PixelUnits units;
  T* out = nullptr;
  int channels = 0, stored = 0;
};

template <bool Noise, typename T>
__device__ float gathered(const GatherArguments<T>& a, const PlannedPlane& plane, std::ptrdiff_t pixel) {
  if (pixel == kOutside) return a.augmentation.fill;
  const float value = plane.pixels[pixel];
  if constexpr (Noise) {
    if (plane.noisy) return with_noise(a.noise, a.units, value, plane.key, static_cast<std::uint32_t>(pixel));
  }
  return value;
}

/// One pixel of the batch per thread.
template <typename T, bool Noise>
__global__ void gather_kernel(const GatherArguments<T> a) {
  const auto x = static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x);
  const auto y = static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y);
  const auto n = static_cast<std::ptrdiff_t>(blockIdx.z);
  const int height = a.augmentation.crop_height;
  const int width = a.augmentation.crop_width;
  if (x >= width || y >= height) return;
  const PlannedSample sample = a.samples[n];
  const PlannedPlane* planes = a.planes + n * a.stride;
  const std::ptrdiff_t pixel = source_pixel(a.augmentation, sample.height, sample.width, sample.draw, y, x);
  T* out = a.out + ((n * height + y) * width + x) * a.stored;
  for (int first = 0; first < a.stored; first += 8) {
    float values[8];
#pragma unroll
    for (int i = 0; i < 8; ++i)
      values[i] = first + i < a.channels ? gathered<Noise>(a, planes[first + i], pixel) : 0.0F;
    store8(out + first, values);
  }
}

template <typename T>
void gather_as(const DeviceGather& p, cudaStream_t stream) {
  GatherArguments<T> a;
  a.samples = p.samples;
  a.planes = p.planes;
  a.stride = p.stride;
  a.augmentation = p.augmentation;
  a.noise = p.noise.value_or(PixelNoise{});
  a.units = p.units;
  a.out = static_cast<T*>(p.out.data);
  a.channels = p.out.shape.channels;
  a.stored = padded_channels(a.channels);
  LaunchShape shape;
  shape.block = dim3(kBlockWidth, kBlockHeight);
  shape.grid = dim3(blocks_for(static_cast<std::size_t>(p.out.shape.width), kBlockWidth),
                    blocks_for(static_cast<std::size_t>(p.out.shape.height), kBlockHeight),
                    static_cast<unsigned>(p.out.shape.batch));
  shape.stream = stream;
  launch("batch assembly", p.noise ? gather_kernel<T, true> : gather_kernel<T, false>, shape, a);
}

}  // namespace

void gather_planes(const DeviceGather& problem, Precision precision, cudaStream_t stream) {
  const Shape& shape = problem.out.shape;
  if (!problem.out || shape.elements() == 0 || shape.channels > problem.stride ||
      shape.height != problem.augmentation.crop_height || shape.width != problem.augmentation.crop_width)
    throw Error("batch assembly: the sizes do not fit together");
  with_element(precision, [&](auto zero) { gather_as<decltype(zero)>(problem, stream); });
}

}  // namespace n2s::device
