// The manual as Markdown, for the reference pages.
#pragma once

#include <string>

#include "tools/manual/option_table.h"

namespace n2s {

/// The verbs, with links to their pages, VERB.md.
std::string markdown_page(const ProgramRow& program);

/// A verb's options, as definition lists.
std::string markdown_page(const VerbRow& verb);

}  // namespace n2s
