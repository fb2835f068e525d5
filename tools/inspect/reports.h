// What an inspection found, for people and for programs.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/inspect/inspected_stack.h"

namespace n2s {

/// A page of plain text.
std::string text_report(const InspectedFile& file);

/// {"file", "type", "axes", "axes_from", "spacing", "stacks", "inspected": [{"name", "levels", "planes", "noise",
/// "correlation", "similarity", "shift", "undersampling", "advice", "command"}, ...]}; fields are in the file's units.
nlohmann::json json_report(const InspectedFile& file);

/// {"trust", "method", "planes", "gap", "network", "normalisation", "reasons", "warnings"}
nlohmann::json advice_json(const Advice& advice);

/// One HTML file with its pictures in it. Throws Error where it cannot be written.
void write_html_report(const std::filesystem::path& path, const InspectedFile& file, bool overwrite);

/// Label and text of what was measured, in order: the rows of the text and of the page.
struct ReportRow {
  std::string label, text;
};
std::vector<ReportRow> report_rows(const InspectedStack& stack);

}  // namespace n2s
