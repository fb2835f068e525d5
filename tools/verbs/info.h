// n2s info: what this build, a file or a model is.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_info(CLI::App& app);

}  // namespace n2s
