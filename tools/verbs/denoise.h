// n2s denoise: restores stacks with a trained network.
#pragma once

#include "tools/command_line.h"

namespace n2s {

void add_denoise(Program& program);

}  // namespace n2s
