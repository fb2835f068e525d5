// See markdown_page.h.
#include "tools/manual/markdown_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace n2s {
namespace {

/// Text that Markdown prints unchanged, but for `code`.
std::string verbatim(const std::string& text) {
  constexpr std::string_view kMarks = "\\*_[]<>#|~$";
  std::string result;
  bool is_code = false;
  for (const char c : text) {
    is_code = is_code != (c == '`');
    if (!is_code && kMarks.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::string block(const std::string& text) {
  return text.empty() ? "" : fmt::format("```text\n{}\n```\n\n", text);
}

std::string called(const OptionRow& option) {
  if (option.names.empty()) return option.position;
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + name;
  return option.argument.empty() ? names : names + " " + option.argument;
}

std::string definition(const OptionRow& option) {
  std::string text = fmt::format("`{}`\n: {}", called(option), verbatim(option.help));
  if (!option.default_value.empty()) text += fmt::format(" (default: {})", verbatim(option.default_value));
  if (option.required) text += " [required]";
  return text + "\n\n";
}

std::string usage_line(const VerbRow& verb) {
  std::string words = fmt::format("n2s {} [options]", verb.name);
  for (const OptionRow& option : verb.options)
    if (option.required && !option.names.empty()) words += fmt::format(" {} {}", option.names.front(), option.argument);
  for (const OptionRow& option : verb.options)
    if (option.names.empty()) words += option.required ? " " + option.position : " [" + option.position + "]";
  return words;
}

}  // namespace

std::string markdown_page(const ProgramRow& program) {
  std::string page = fmt::format("# The command line\n\n{}\n\n", verbatim(program.description));
  for (const VerbRow& verb : program.verbs)
    page += fmt::format("[n2s {0}]({0}.md)\n: {1}\n\n", verb.name, verbatim(verb.description));
  page += block(program.footer);
  page += "```{toctree}\n:hidden:\n";
  for (const VerbRow& verb : program.verbs) page += verb.name + "\n";
  return page + "```\n";
}

std::string markdown_page(const VerbRow& verb) {
  std::string page =
      fmt::format("# n2s {}\n\n{}\n\n{}", verb.name, verbatim(verb.description), block(usage_line(verb)));
  std::vector<std::string> headings;
  for (const OptionRow& option : verb.options)
    if (std::find(headings.begin(), headings.end(), option.heading) == headings.end())
      headings.push_back(option.heading);
  for (const std::string& heading : headings) {
    page += fmt::format("## {}\n\n", heading);
    for (const OptionRow& option : verb.options)
      if (option.heading == heading) page += definition(option);
  }
  return page + (verb.footer.empty() ? "" : "## Notes\n\n") + block(verb.footer);
}

}  // namespace n2s
