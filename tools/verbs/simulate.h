// n2s simulate: data in the layout of the instruments of the paper's two experiments.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_simulate(Program& program);

}  // namespace n2s
