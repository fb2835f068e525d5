// n2s report: a page of runs that have been made before.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_report(Program& program);

}  // namespace n2s
