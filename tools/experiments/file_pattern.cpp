// See file_pattern.h.
#include "tools/experiments/file_pattern.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::array<std::string_view, 7> kFields{"well", "row", "column", "field", "plane", "channel", "exposure"};

}  // namespace

FilePattern::FilePattern(const std::string& pattern) {
  std::string expression;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      expression += ".*";
    } else if (c == '{') {
      const std::size_t end = pattern.find('}', i);
      const std::string field = pattern.substr(i + 1, end - i - 1);
      if (end == std::string::npos || std::find(kFields.begin(), kFields.end(), field) == kFields.end() || has(field))
        throw Error(fmt::format("--pattern {}: '{}' is not one of {}, or is there twice", pattern, field,
                                fmt::join(kFields, ", ")));
      fields_.push_back(field);
      expression += field == "well" ? "([A-Za-z0-9]+?)" : "([0-9]{1,9})";
      i = end;
    } else {
      if (std::string_view(R"(\^$.|?+()[]})").find(c) != std::string_view::npos) expression += '\\';
      expression += c;
    }
  }
  regex_ = std::regex(expression);
}

bool FilePattern::has(const std::string& field) const {
  return std::find(fields_.begin(), fields_.end(), field) != fields_.end();
}

std::optional<std::map<std::string, std::string>> FilePattern::match(const std::string& name) const {
  std::smatch parts;
  if (!std::regex_match(name, parts, regex_)) return std::nullopt;
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < fields_.size(); ++i) found[fields_[i]] = parts[i + 1];
  return found;
}

}  // namespace n2s
