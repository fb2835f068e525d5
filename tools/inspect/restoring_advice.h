// What restore leaves open, decided by an inspection of the stack.
#pragma once

#include <filesystem>
#include <string>

#include "analysis/advice.h"
#include "tools/loaded_file.h"
#include "tools/stack_stream.h"
#include "tools/training_options.h"

namespace n2s {

/// Fills in method, planes, gap and normalisation where the user has not, as `n2s inspect` advises for the middle stack
/// of the group, and prints that. Does nothing with --advice off, for methods that need a second copy, and for
/// simulated noise. Returns the advice as JSON; empty where none was taken. Throws Error.
std::string take_advice(TrainingOptions& options, const OpenFile& file, const NetworkGroup& group,
                        const CommonOptions& common);

/// Fills them in from the run in the folder, which was begun with them.
void take_settings_of_run(TrainingOptions& options, const std::filesystem::path& folder);

}  // namespace n2s
