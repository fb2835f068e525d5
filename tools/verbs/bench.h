// n2s bench: how fast the engine is on this machine, case by case and operation by operation.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_bench(Program& program);

}  // namespace n2s
