// n2s bm3d: restores single planes by block matching and 3-D filtering.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_bm3d(Program& program);

}  // namespace n2s
