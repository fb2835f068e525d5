// n2s demo: a real brain volume, end to end: corrupts it, trains on the corrupted one, restores it and measures the
// result.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_demo(Program& program);

}  // namespace n2s
