// Metrics and normalisation on the device in use, with a note to the user where the CPU computes them instead.
#pragma once

#include <vector>

#include "data/metrics.h"
#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/devices/device.h"
#include "tools/common.h"

namespace n2s {

/// stack_metrics() of engine/inference/metrics.h.
StackMetrics stack_metrics(const Stack& result, const Stack& truth, const MetricOptions& options, const Device& device,
                           const CommonOptions& common);

/// fit_normalisation() of engine/inference/normalisation.h.
Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                const Device& device, const CommonOptions& common);

}  // namespace n2s
