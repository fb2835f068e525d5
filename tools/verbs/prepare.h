// n2s prepare: raw files to one data set for an experiment, with its parts.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_prepare(Program& program);

}  // namespace n2s
