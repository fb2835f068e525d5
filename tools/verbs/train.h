// n2s train: trains a network on one or many stacks.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_train(Program& program);

}  // namespace n2s
