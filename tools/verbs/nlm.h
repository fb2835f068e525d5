// n2s nlm: restores planes by non-local means.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_nlm(Program& program);

}  // namespace n2s
