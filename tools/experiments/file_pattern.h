// Names of files that say which image they hold, as high-content microscopes export them.
#pragma once

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace n2s {

/// Harmony's (Opera Phenix, Operetta): r01c01f01p01-ch1sk1fk1fl1.tiff
inline constexpr const char* kHarmonyPattern = "r{row}c{column}f{field}p{plane}-ch{channel}*";

/// "r{row}c{column}f{field}p{plane}-ch{channel}*": fields in braces, of which {well} takes letters and digits ("B03")
/// and all others one to nine digits; * stands for anything, everything else for itself.
class FilePattern {
 public:
  /// Throws Error for a field that is not known, is there twice, or is never closed.
  explicit FilePattern(const std::string& pattern);

  bool has(const std::string& field) const;
  /// The fields of a file's name, without its folder; nothing where it does not fit.
  std::optional<std::map<std::string, std::string>> match(const std::string& name) const;

 private:
  std::vector<std::string> fields_;
  std::regex regex_;
};

}  // namespace n2s
