// n2s train: trains a network on one or many stacks.
#pragma once

#include <CLI/CLI.hpp>

namespace n2s {

void add_train(CLI::App& app);

}  // namespace n2s
