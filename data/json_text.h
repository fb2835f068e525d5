// JSON from text and back. nlohmann's parser and printer are templates that every file would compile anew; here they
// are compiled once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace n2s {

/// Throws nlohmann::json::parse_error.
nlohmann::json parse_json(std::string_view text);

/// On one line, or, with `indent` of 0 or more spaces per level, on several.
std::string json_text(const nlohmann::json& json, int indent = -1);
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace n2s
