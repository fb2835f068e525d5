// One pixel per thread: first the hidden ones get their replacements, which come from the targets; then all other
// targets become NaN.
#include "kernels/base/error.h"
#include "kernels/blind_spot/cuda.h"
#include "kernels/device/element.h"
#include "kernels/device/launch.h"
#include "kernels/device/precision.h"

namespace n2s::device {
namespace {

constexpr int kBlockWidth = 32;
constexpr int kBlockHeight = 8;

template <typename T>
struct BlindArguments {
  BlindSpots spots;
  std::uint64_t seed = 0;
  const BatchStep* step = nullptr;
  T* input = nullptr;
  T* target = nullptr;
  int height = 0, width = 0;
  int stored = 0, target_stored = 0;  // elements of a pixel
};

template <typename T>
struct BlindPixel {
  blind_spot::Pixel at;
  RandomKey key;
  T* target;  // of the image's first pixel

  __device__ explicit BlindPixel(const BlindArguments<T>& a)
      : at{static_cast<int>(blockIdx.y * kBlockHeight + threadIdx.y),
           static_cast<int>(blockIdx.x * kBlockWidth + threadIdx.x)},
        key(blind_spot_key(a.seed, *a.step, static_cast<int>(gridDim.z), static_cast<int>(blockIdx.z))),
        target(a.target + static_cast<std::ptrdiff_t>(blockIdx.z) * a.height * a.width * a.target_stored) {}
  __device__ bool is_inside(const BlindArguments<T>& a) const { return at.y < a.height && at.x < a.width; }
};

template <typename T>
__global__ void replace_kernel(const BlindArguments<T> a) {
  const BlindPixel<T> pixel(a);
  if (!pixel.is_inside(a) || !blind_spot::is_hidden(a.spots, pixel.key, pixel.at, a.height, a.width)) return;
  const auto values = [&](int y, int x) {
    return to_float(pixel.target[(static_cast<std::ptrdiff_t>(y) * a.width + x) * a.target_stored]);
  };
  const float value = blind_spot::replacement(a.spots, pixel.key, values, pixel.at, a.height, a.width);
  const std::ptrdiff_t index = (static_cast<std::ptrdiff_t>(blockIdx.z) * a.height + pixel.at.y) * a.width + pixel.at.x;
  a.input[index * a.stored] = from_float<T>(value);
}

template <typename T>
__global__ void blank_kernel(const BlindArguments<T> a) {
  const BlindPixel<T> pixel(a);
  if (!pixel.is_inside(a) || blind_spot::is_target(a.spots, pixel.key, pixel.at.y, pixel.at.x, a.width)) return;
  pixel.target[(static_cast<std::ptrdiff_t>(pixel.at.y) * a.width + pixel.at.x) * a.target_stored] = from_float<T>(NAN);
}

template <typename T>
void hide_as(const DeviceBlindSpots& p, cudaStream_t stream) {
  const Shape& s = p.input.shape;
  BlindArguments<T> a;
  a.spots = p.spots;
  a.seed = p.seed;
  a.step = p.step;
  a.input = static_cast<T*>(p.input.data) + p.channel;
  a.target = static_cast<T*>(p.target.data);
  a.height = s.height;
  a.width = s.width;
  a.stored = padded_channels(s.channels);
  a.target_stored = padded_channels(1);
  LaunchShape shape;
  shape.block = dim3(kBlockWidth, kBlockHeight);
  shape.grid = dim3(blocks_for(static_cast<std::size_t>(s.width), kBlockWidth),
                    blocks_for(static_cast<std::size_t>(s.height), kBlockHeight), static_cast<unsigned>(s.batch));
  shape.stream = stream;
  launch("hiding pixels", replace_kernel<T>, shape, a);
  launch("hiding targets", blank_kernel<T>, shape, a);
}

}  // namespace

void hide_pixels(const DeviceBlindSpots& p, Precision precision, cudaStream_t stream) {
  const Shape& s = p.input.shape;
  if (!p.input || p.target.shape != Shape{s.batch, s.height, s.width, 1} || p.channel < 0 || p.channel >= s.channels ||
      p.spots.box < 1)
    throw Error("hiding pixels: the sizes do not fit together");
  with_element(precision, [&](auto zero) { hide_as<decltype(zero)>(p, stream); });
}

}  // namespace n2s::device
