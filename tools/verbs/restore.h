// n2s restore: self-supervised training on a stack itself, then denoising it. Nothing else is needed.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_restore(CLI::App& app);

}  // namespace n2s
