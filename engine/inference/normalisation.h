// Percentiles that the device finds, for everything that fits levels to stacks.
#pragma once

#include <string>
#include <vector>

#include "data/normalisation.h"
#include "engine/inference/inference_device.h"

namespace n2s {

/// Equal to order_statistics() of data/normalisation.h bit for bit. Where a GPU lacks memory for it, the host computes,
/// and `why_host` says why. Device and text must live as long as the function is used.
OrderStatistics order_statistics_on(InferenceDevice& device, std::string& why_host);

/// fit_normalisation() of data/normalisation.h with these.
Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                InferenceDevice& device, std::string& why_host);

}  // namespace n2s
