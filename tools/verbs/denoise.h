// n2s denoise: restores stacks with a trained network.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_denoise(CLI::App& app);

}  // namespace n2s
