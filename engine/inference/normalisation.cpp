// Asks the device first, and computes on the host where it declines.
#include "engine/inference/normalisation.h"

#include <cstddef>
#include <span>

namespace n2s {

Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                InferenceDevice& device, std::string& why_host) {
  const OrderStatistics find = [&](const std::vector<const Stack*>& of, std::span<const std::size_t> ranks) {
    std::vector<float> found(ranks.size());
    return device.measure(RankSearch{of, ranks, found}, why_host) ? found : order_statistics(of, ranks);
  };
  return fit_normalisation(stacks, options, find);
}

}  // namespace n2s
