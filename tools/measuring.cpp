// Calls the engine's metrics and normalisation, and says when the CPU computed them.
#include "tools/measuring.h"

#include <string>

#include "engine/inference/metrics.h"
#include "engine/inference/normalisation.h"

namespace n2s {

StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options, const Device& device,
                           const CommonOptions& common) {
  std::string why_host;
  StackMetrics metrics = stack_metrics(result, truth, options, *device.inference, why_host);
  if (!why_host.empty()) say(common, "metrics: computed on the CPU: {}", why_host);
  return metrics;
}

Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                const Device& device, const CommonOptions& common) {
  std::string why_host;
  Normalisation fitted = fit_normalisation(stacks, options, *device.inference, why_host);
  if (!why_host.empty()) say(common, "percentiles: computed on the CPU: {}", why_host);
  return fitted;
}

}  // namespace n2s
