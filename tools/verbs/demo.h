// n2s demo: a real brain volume, end to end: corrupts it, trains on the corrupted one, restores it and measures the
// result.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_demo(CLI::App& app);

}  // namespace n2s
