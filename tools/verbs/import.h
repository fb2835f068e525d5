// n2s import: parameters that another program has trained, as a model.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_import(Program& program);

}  // namespace n2s
