// Metrics of whole stacks, computed on the device that restores them.
#pragma once

#include <string>

#include "data/metrics.h"
#include "data/stack.h"
#include "engine/inference/inference_device.h"

namespace n2s {

/// stack_metrics() of data/metrics.h on the device. Where a GPU lacks memory for it, the host computes, and `why_host`
/// says why.
StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options,
                           InferenceDevice& device, std::string& why_host);

}  // namespace n2s
