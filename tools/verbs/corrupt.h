// n2s corrupt: adds simulated noise to clean stacks.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_corrupt(CLI::App& app);

}  // namespace n2s
