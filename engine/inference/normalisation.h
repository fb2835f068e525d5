// Normalisation of whole data sets, with the help of the device that learns from them.
#pragma once

#include <string>
#include <vector>

#include "data/normalisation.h"
#include "data/stack.h"
#include "engine/runtime/backend.h"

namespace n2s {

/// fit_normalisation() of data/normalisation.h with percentiles that the backend's device finds: the same ones. Where
/// that is another than the processor, but lacks what it takes, the processor does it, and `why_host` says why.
Normalisation fit_normalisation(const std::vector<const Stack*>& stacks, const NormalisationOptions& options,
                                Backend& backend, std::string& why_host);

}  // namespace n2s
