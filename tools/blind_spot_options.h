// The pixels that Noise2Void and its relatives hide: the method's, changed by --mask, --replace, --window and --struct.
#pragma once

#include <optional>
#include <string>

#include "engine/training/training_stack.h"
#include "tools/training_options.h"

namespace n2s {

/// Nothing for methods that hide none. Throws Error for values that make no sense, and for options that another method
/// needs.
std::optional<BlindSpots> chosen_blind_spots(const TrainingOptions& options, const TrainingMethod& method);

/// "random:22", "uniform", "11x1": as the options take them.
std::string mask_text(const BlindSpots& spots);
std::string replacement_text(const BlindSpots& spots);
std::string line_text(const BlindSpots& spots);

}  // namespace n2s
