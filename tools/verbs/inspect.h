// n2s inspect: what a stack is like, and how to restore it.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_inspect(Program& program);

}  // namespace n2s
