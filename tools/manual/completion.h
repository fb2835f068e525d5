// Completions of the command line for shells: verbs, their options, and values that are one of a few.
#pragma once

#include <string>

#include "tools/manual/option_table.h"

namespace n2s {

std::string bash_completion(const ProgramRow& program);
std::string zsh_completion(const ProgramRow& program);
std::string fish_completion(const ProgramRow& program);

}  // namespace n2s
