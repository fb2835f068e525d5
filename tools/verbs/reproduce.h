// n2s reproduce: the paper's experiments on a data set of n2s prepare.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_reproduce(Program& program);

}  // namespace n2s
