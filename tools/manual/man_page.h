// Manual pages in man(7)'s macros.
#pragma once

#include <string>

#include "tools/manual/option_table.h"

namespace n2s {

/// n2s(1): the verbs. `version` is the program's.
std::string man_page(const ProgramRow& program, const std::string& version);

/// n2s-VERB(1).
std::string man_page(const VerbRow& verb, const std::string& version);

}  // namespace n2s
