// Which libraries the program runs with: what a bug report needs.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace n2s {

/// Name -> version, as loaded; for header-only libraries as compiled.
nlohmann::json library_versions();

}  // namespace n2s
