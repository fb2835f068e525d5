// n2s evaluate: measures a result against the truth.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_evaluate(CLI::App& app);

}  // namespace n2s
