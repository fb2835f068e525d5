// A second noisy copy of a file: what n2s restore --second learns with.
#pragma once

#include <string>
#include <vector>

#include "tools/common.h"
#include "tools/loaded_file.h"

namespace n2s {

/// Throws Error where it has another shape than `file`, or other levels: two copies are of one exposure.
LoadedFile load_second_copy(const std::string& path, const LoadedFile& file, const InputOptions& input,
                            const CommonOptions& common);

/// results[i] = the mean of results[i] and with[i].
void average(const std::vector<Stack>& with, std::vector<Stack>& results);

}  // namespace n2s
