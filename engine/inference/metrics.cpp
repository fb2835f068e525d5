// Asks the device first, and computes on the host where it declines.
#include "engine/inference/metrics.h"

#include <utility>
#include <vector>

namespace n2s {

StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options,
                           InferenceDevice& device, std::string& why_host) {
  check_comparable(result, truth, options);
  std::vector<PlaneMetrics> planes(static_cast<std::size_t>(truth.planes));
  if (!device.measure(PlaneComparison{result, truth, options, planes}, why_host))
    return stack_metrics(result, truth, options);
  return with_summaries(std::move(planes));
}

}  // namespace n2s
