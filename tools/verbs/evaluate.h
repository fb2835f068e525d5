// n2s evaluate: measures a result against the truth.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_evaluate(Program& program);

}  // namespace n2s
