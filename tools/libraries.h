// Versions of the libraries that the program runs with, for bug reports.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace n2s {

/// Name -> version, as loaded; for header-only libraries as compiled.
nlohmann::json library_versions();

}  // namespace n2s
