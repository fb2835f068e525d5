// Metrics of whole stacks, on the device that restores them.
#pragma once

#include <string>

#include "data/metrics.h"
#include "data/stack.h"
#include "engine/runtime/backend.h"

namespace n2s {

/// stack_metrics() of data/metrics.h on the backend's device. Where that is another than the processor, but lacks what
/// it takes, the processor does it, and `why_host` says why.
StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options, Backend& backend,
                           std::string& why_host);

}  // namespace n2s
