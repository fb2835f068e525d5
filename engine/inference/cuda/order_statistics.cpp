// Radix selection: a few histograms narrow each rank down to one value (kernels/percentile).
#include "engine/inference/cuda/order_statistics.h"

#include <algorithm>

#include "engine/cuda/cuda_memory.h"
#include "kernels/base/error.h"
#include "kernels/percentile/cuda.h"

namespace n2s::device {
namespace {

constexpr const char* kPercentilesWork = "finding percentiles on the GPU";

struct SearchMemory {
  CudaArray<float> values, found;
  CudaArray<std::byte> scratch;
};

std::size_t voxels_of(const std::vector<const Stack*>& stacks) {
  std::size_t count = 0;
  for (const Stack* stack : stacks) count += stack->voxels.size();
  return count;
}

void upload(const std::vector<const Stack*>& stacks, float* to, cudaStream_t stream) {
  for (const Stack* stack : stacks) {
    cuda_upload(to, std::as_bytes(std::span(stack->voxels)), stream, kPercentilesWork);
    to += stack->voxels.size();
  }
}

}  // namespace

bool measure(const RankSearch& search, std::size_t limit, cudaStream_t stream, std::string& why) {
  const std::size_t voxels = voxels_of(search.stacks);
  const std::size_t ranks = search.ranks.size();
  const std::size_t at_once = std::min(ranks, static_cast<std::size_t>(kMostRanks));
  const std::size_t scratch = order_statistics_scratch_bytes(static_cast<int>(at_once));
  const std::size_t bytes = (voxels + at_once) * sizeof(float) + scratch;
  if (bytes > limit) {
    why = memory_shortage(bytes, limit);
    return false;
  }
  SearchMemory memory;
  try {
    memory = {cuda_array<float>(voxels), cuda_array<float>(at_once), cuda_array<std::byte>(scratch)};
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
  upload(search.stacks, memory.values.get(), stream);
  for (std::size_t first = 0; first < ranks; first += at_once) {
    const std::size_t count = std::min(at_once, ranks - first);
    order_statistics(memory.values.get(), voxels, search.ranks.subspan(first, count), memory.found.get(),
                     memory.scratch.get(), stream);
    cuda_download(std::as_writable_bytes(search.found.subspan(first, count)), memory.found.get(), stream,
                  kPercentilesWork);
  }
  return true;
}

}  // namespace n2s::device
