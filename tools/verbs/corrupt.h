// n2s corrupt: adds simulated noise to clean stacks.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_corrupt(Program& program);

}  // namespace n2s
