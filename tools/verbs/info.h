// n2s info: describes this build, a file or a model.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_info(Program& program);

}  // namespace n2s
