// n2s export: a trained network for other programs.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_export(Program& program);

}  // namespace n2s
