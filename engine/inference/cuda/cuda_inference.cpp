// Passes each request to the GPU code in this folder.
#include "engine/inference/cuda/cuda_inference.h"

#include <optional>

#include "engine/inference/cuda/metrics.h"
#include "engine/inference/cuda/order_statistics.h"
#include "engine/inference/cuda/plane_filters.h"
#include "engine/inference/cuda/post_processing.h"
#include "engine/inference/cuda/tiles.h"
#include "kernels/base/error.h"

namespace n2s {

std::unique_ptr<StackTiles> CudaInference::stack_tiles(const TileRequest& request) {
  return std::make_unique<device::CudaTiles>(request, gpu_.precision, gpu_.stream);
}

bool CudaInference::restore_measured(const MeasuredPlanes& planes, std::string& why) {
  std::optional<device::PostProcessing> work;
  try {
    work.emplace(planes.sampling, planes.keys.size(), backend().free_bytes() / 2, gpu_.stream);
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
  work->run(planes);
  return true;
}

bool CudaInference::measure(const Measurement& what, std::string& why) {
  const std::size_t limit = backend().free_bytes() / 10 * 9;  // the system may want some of it
  return std::visit([&](const auto& one) { return device::measure(one, limit, gpu_.stream, why); }, what);
}

bool CudaInference::filter(const Bm3dProblem& problem, const PlaneFilterRequest& request) {
  return device::filter_planes(problem, request, gpu_.stream);
}

bool CudaInference::filter(const NlmProblem& problem, const PlaneFilterRequest& request) {
  return device::filter_planes(problem, request, gpu_.stream);
}

}  // namespace n2s
