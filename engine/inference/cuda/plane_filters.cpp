// See plane_filters.h.
#include "engine/inference/cuda/plane_filters.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/cuda/cuda_memory.h"
#include "kernels/base/error.h"
#include "kernels/base/reflect.h"
#include "kernels/bm3d/cuda.h"
#include "kernels/nlm/cuda.h"

namespace n2s::device {
namespace {

constexpr const char* kBm3d = "BM3D on the GPU";
constexpr const char* kNlm = "non-local means on the GPU";

/// A plane's size, at least that of a block.
struct PaddedSize {
  int height, width;
  explicit PaddedSize(const Bm3dProblem& p) : height(std::max(p.height, kBlock)), width(std::max(p.width, kBlock)) {}
  std::size_t pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
};

/// Device memory for planes of one size.
struct Bm3dMemory {
  explicit Bm3dMemory(const Bm3dProblem& problem, const PaddedSize& size)
      : noisy(cuda_array<float>(size.pixels())),
        estimate(cuda_array<float>(size.pixels())),
        scratch(cuda_array<std::byte>(bm3d_scratch_bytes(size.height, size.width))),
        threshold_tables(cuda_array<std::byte>(bm3d_table_bytes(threshold_setup(problem, 1)))),
        wiener_tables(cuda_array<std::byte>(bm3d_table_bytes(wiener_setup(problem, 1)))) {}
  CudaArray<float> noisy, estimate;
  CudaArray<std::byte> scratch, threshold_tables, wiener_tables;
};

void filter_plane(const Bm3dProblem& problem, const PaddedSize& size, const Bm3dMemory& memory,
                  std::span<const float> noisy, std::span<float> restored, cudaStream_t stream) {
  const Bm3dScaling scaling = bm3d_scaling(problem, noisy);
  if (scaling.scale == 0) {
    std::copy(noisy.begin(), noisy.end(), restored.begin());
    return;
  }
  const auto width = static_cast<std::size_t>(problem.width);
  std::vector<float> plane;
  plane.reserve(size.pixels());
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x)
      plane.push_back(scaling.forward(noisy[static_cast<std::size_t>(reflect(y, problem.height)) * width +
                                            static_cast<std::size_t>(reflect(x, problem.width))]));
  cuda_upload(memory.noisy.get(), std::as_bytes(std::span(plane)), stream, kBm3d);
  const Bm3dStageSetup threshold = threshold_setup(problem, scaling.scale);
  const Bm3dStageSetup wiener = wiener_setup(problem, scaling.scale);
  DeviceBm3d work;
  work.stage = upload_bm3d_stage(threshold, memory.threshold_tables.get(), stream);
  work.height = size.height;
  work.width = size.width;
  work.noisy = memory.noisy.get();
  work.guide = memory.noisy.get();
  work.estimate = memory.estimate.get();
  work.scratch = memory.scratch.get();
  bm3d_stage(work, stream);
  work.stage = upload_bm3d_stage(wiener, memory.wiener_tables.get(), stream);
  work.guide = memory.estimate.get();
  bm3d_stage(work, stream);
  cuda_download(std::as_writable_bytes(std::span(plane)), memory.estimate.get(), stream, kBm3d);
  for (std::size_t i = 0; i < restored.size(); ++i)
    restored[i] = scaling.back(plane[i / width * static_cast<std::size_t>(size.width) + i % width]);
}

}  // namespace

bool filter_planes(const Bm3dProblem& problem, const PlaneFilterRequest& request, cudaStream_t stream) {
  const PaddedSize size(problem);
  std::optional<Bm3dMemory> memory;
  try {
    memory.emplace(problem, size);
  } catch (const Error& error) {
    request.why = error.what();
    return false;
  }
  const std::size_t pixels = static_cast<std::size_t>(problem.height) * static_cast<std::size_t>(problem.width);
  for (std::size_t first = 0; first + pixels <= request.noisy.size(); first += pixels)
    filter_plane(problem, size, *memory, request.noisy.subspan(first, pixels), request.restored.subspan(first, pixels),
                 stream);
  return true;
}

bool filter_planes(const NlmProblem& problem, const PlaneFilterRequest& request, cudaStream_t stream) {
  check_nlm(problem, request.noisy.size(), request.restored.size());
  const PaddedPlanes padded(problem, request.noisy);
  CudaArray<float> planes;
  CudaArray<float> restored;
  try {
    planes = cuda_array<float>(padded.values().size());
    restored = cuda_array<float>(request.restored.size());
  } catch (const Error& error) {
    request.why = error.what();
    return false;
  }
  cuda_upload(planes.get(), std::as_bytes(padded.values()), stream, kNlm);
  nlm({problem, planes.get(), padded.row_floats(), padded.plane_floats(), restored.get()}, stream);
  cuda_download(std::as_writable_bytes(request.restored), restored.get(), stream, kNlm);
  padded.to_own_units(request.restored);
  return true;
}

}  // namespace n2s::device
