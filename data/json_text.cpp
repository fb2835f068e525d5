// The one place that compiles nlohmann's parser and printer.
#include "data/json_text.h"

#include <nlohmann/json.hpp>

namespace n2s {
namespace {

/// File names are bytes; those that are no UTF-8 become U+FFFD, so that the text is valid JSON.
constexpr auto kNotUtf8 = nlohmann::json::error_handler_t::replace;

}  // namespace

nlohmann::json parse_json(std::string_view text) {
  return nlohmann::json::parse(text);
}

std::string json_text(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, kNotUtf8);
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, kNotUtf8);
}

}  // namespace n2s
