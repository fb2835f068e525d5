// Asks the device first, and computes on the host where it declines.
#include "engine/inference/post_processing.h"

#include <vector>

#include "kernels/base/error.h"

namespace n2s {

std::string restore_measured(const NoiseSpec& spec, const Stack& noisy, std::uint64_t seed, Purpose copy, int stack,
                             Stack& restored, InferenceDevice& device, ThreadPool& pool) {
  const auto* kspace = std::get_if<KspaceNoise>(&spec);
  if (kspace == nullptr || noisy.planes == 0) return "";
  if (restored.voxels.size() != noisy.voxels.size())
    throw Error("k-space data consistency: the restored stack differs in size from the noisy one");
  const KspaceSampling sampling = kspace_sampling(noisy.height, noisy.width, kspace->rate);
  std::vector<RandomKey> keys;
  keys.reserve(static_cast<std::size_t>(noisy.planes));
  for (int plane = 0; plane < noisy.planes; ++plane) keys.push_back(plane_key(seed, copy, stack, plane));
  std::string why_host;
  if (!device.restore_measured({sampling, keys, noisy.voxels, restored.voxels}, why_host))
    restore_measured(spec, noisy, seed, copy, stack, restored, pool);
  return why_host;
}

}  // namespace n2s
