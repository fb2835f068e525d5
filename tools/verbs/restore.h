// n2s restore: self-supervised training on a stack itself, then denoising it. Nothing else is needed.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_restore(Program& program);

}  // namespace n2s
