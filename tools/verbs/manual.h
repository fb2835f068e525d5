// n2s manual: manual pages and shell completions.
#pragma once

#include "tools/command_line.h"

namespace n2s {

/// `program` must live until it has run; what it is asked for then is on the pages.
void add_manual(Program& program);

}  // namespace n2s
