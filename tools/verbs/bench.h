// n2s bench: how fast the engine is here, cell by cell and operation by operation.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_bench(CLI::App& app);

}  // namespace n2s
