// What the program is made of besides its own code: a bill of materials.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace n2s {

/// For reading: one line per component with its version, licence (SPDX) and whether it is inside the program or loaded.
std::string components_text();

/// For programs: CycloneDX 1.5 (https://cyclonedx.org), without what changes from run to run.
nlohmann::json components_json();

}  // namespace n2s
