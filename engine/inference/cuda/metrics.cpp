// Copies some planes at a time to the GPU, and computes the metrics from the sums that come back.
#include "engine/inference/cuda/metrics.h"

#include <algorithm>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "kernels/base/error.h"
#include "kernels/metrics/cuda.h"

namespace n2s::device {
namespace {

constexpr std::size_t kMostMetricsBytes = std::size_t{256} << 20;  // more at once is no faster
constexpr const char* kMetricsWork = "measuring planes on the GPU";

std::size_t pixels_of(const Stack& stack) {
  return static_cast<std::size_t>(stack.height) * static_cast<std::size_t>(stack.width);
}

/// For some planes at once.
struct Memory {
  CudaArray<float> result, truth;
  CudaArray<MetricSums> sums;
  CudaArray<AffineMap> maps;
  CudaArray<std::byte> scratch;
};

std::size_t bytes_for_a_plane(const Stack& stack) {
  return 2 * pixels_of(stack) * sizeof(float) + sizeof(MetricSums) + sizeof(AffineMap) +
         image_metrics_scratch_bytes(1, stack.height, stack.width);
}

Memory allocate(const Stack& stack, std::size_t planes) {
  return {cuda_array<float>(planes * pixels_of(stack)), cuda_array<float>(planes * pixels_of(stack)),
          cuda_array<MetricSums>(planes), cuda_array<AffineMap>(planes),
          cuda_array<std::byte>(image_metrics_scratch_bytes(static_cast<int>(planes), stack.height, stack.width))};
}

void measure_planes(const PlaneComparison& c, std::size_t first, std::size_t planes, const Memory& memory,
                    cudaStream_t stream) {
  const int height = c.truth.height;
  const int width = c.truth.width;
  const MetricOptions& o = c.options;
  const auto upload = [&](const Stack& stack, float* to) {
    const std::size_t pixels = pixels_of(stack);
    cuda_upload(to, std::as_bytes(std::span(stack.voxels).subspan(first * pixels, planes * pixels)), stream,
                kMetricsWork);
  };
  upload(c.result, memory.result.get());
  upload(c.truth, memory.truth.get());
  image_metrics({memory.result.get(),
                 memory.truth.get(),
                 static_cast<int>(planes),
                 height,
                 width,
                 {o.affine, o.clamp, o.clamp_low, o.clamp_high, o.data_range},
                 memory.sums.get(),
                 memory.maps.get(),
                 memory.scratch.get()},
                stream);
  std::vector<MetricSums> sums(planes);
  cuda_download(std::as_writable_bytes(std::span(sums)), memory.sums.get(), stream, kMetricsWork);
  for (std::size_t i = 0; i < planes; ++i)
    c.per_plane[first + i] = metrics_of(sums[i], height, width, c.options.data_range);
}

}  // namespace

bool measure(const PlaneComparison& comparison, std::size_t limit, cudaStream_t stream, std::string& why) {
  const std::size_t planes = comparison.per_plane.size();
  const std::size_t bytes = bytes_for_a_plane(comparison.truth);
  if (bytes > limit) {
    why = memory_shortage(bytes, limit);
    return false;
  }
  const std::size_t at_once = std::clamp(std::min(limit, kMostMetricsBytes) / bytes, std::size_t{1},
                                         std::min(planes, static_cast<std::size_t>(kMostMetricPlanes)));
  Memory memory;
  try {
    memory = allocate(comparison.truth, at_once);
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
  for (std::size_t first = 0; first < planes; first += at_once)
    measure_planes(comparison, first, std::min(at_once, planes - first), memory, stream);
  return true;
}

}  // namespace n2s::device
