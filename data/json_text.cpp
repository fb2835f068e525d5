// The one place that compiles nlohmann's parser and printer.
#include "data/json_text.h"

#include <nlohmann/json.hpp>

namespace n2s {

nlohmann::json parse_json(std::string_view text) {
  return nlohmann::json::parse(text);
}

std::string json_text(const nlohmann::json& json, int indent) {
  return json.dump(indent);
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump();
}

}  // namespace n2s
