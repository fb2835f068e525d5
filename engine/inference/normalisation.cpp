// Asks the device first, and computes on the host where it declines.
#include "engine/inference/normalisation.h"

#include <cstddef>
#include <span>
#include <vector>

namespace n2s {

OrderStatistics order_statistics_on(InferenceDevice& device, std::string& why_host) {
  return [&](const std::vector<const Stack*>& stacks, std::span<const std::size_t> ranks) {
    std::vector<float> found(ranks.size());
    return device.measure(RankSearch{stacks, ranks, found}, why_host) ? found : order_statistics(stacks, ranks);
  };
}

Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                InferenceDevice& device, std::string& why_host) {
  return fit_normalisation(stacks, options, order_statistics_on(device, why_host));
}

}  // namespace n2s
