// What --json prints.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace n2s {

/// One JSON object, indented, on standard output, or as the calling program's result.
void print_json(const nlohmann::json& json);

}  // namespace n2s
