// Normalisation of whole datasets, with percentiles that the device finds.
#pragma once

#include <string>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/inference/inference_device.h"

namespace n2s {

/// fit_normalisation() of data/normalisation.h with percentiles from the device, equal to the host's bit for bit. Where
/// a GPU lacks memory for it, the host computes, and `why_host` says why.
Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                InferenceDevice& device, std::string& why_host);

}  // namespace n2s
