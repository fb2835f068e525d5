// See man_page.h.
#include "tools/manual/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

namespace n2s {
namespace {

/// Text as roff prints it unchanged: a backslash and a dash are commands, as is a line that begins with a dot or a
/// quote.
std::string plain(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || text[i - 1] == '\n';
    if (begins && (text[i] == '.' || text[i] == '\'')) result += "\\&";
    if (text[i] == '\\')
      result += "\\e";
    else if (text[i] == '-')
      result += "\\-";
    else
      result += text[i];
  }
  return result;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string title(const std::string& name, const std::string& version) {
  return fmt::format(".TH {} 1 \"\" \"n2s {}\" \"Noise2Stack\"\n", upper(name), version);
}

/// The footer: examples keep their lines.
std::string notes(const std::string& footer) {
  return footer.empty() ? "" : fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", plain(footer));
}

std::string names_of(const OptionRow& option) {
  if (option.names.empty()) return fmt::format("\\fI{}\\fR", plain(option.position));
  std::string names;
  for (const std::string& name : option.names)
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", plain(name));
  if (!option.argument.empty()) names += fmt::format(" \\fI{}\\fR", plain(option.argument));
  return names;
}

std::string entry(const OptionRow& option) {
  std::string text = plain(option.help);
  if (!option.default_value.empty()) text += fmt::format(" (default: {})", plain(option.default_value));
  if (option.required) text += " [required]";
  return fmt::format(".TP\n{}\n{}\n", names_of(option), text);
}

std::string synopsis(const VerbRow& verb) {
  std::string words = fmt::format("\\fBn2s {}\\fR [\\fIoptions\\fR]", verb.name);
  for (const OptionRow& option : verb.options)
    if (option.required && !option.names.empty())
      words += " " + names_of({{option.names.front()}, option.argument, {}, {}, {}, {}, {}});
  for (const OptionRow& option : verb.options)
    if (option.names.empty())
      words += option.required ? " " + names_of(option) : fmt::format(" [{}]", names_of(option));
  return words;
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n1\nAn error; one line on standard error says what to do.\n.TP\n2\nWrong "
    "usage.\n";

}  // namespace

std::string man_page(const ProgramRow& program, const std::string& version) {
  std::string page = title("n2s", version);
  page += fmt::format(".SH NAME\nn2s \\- {}\n", plain(program.description));
  page += ".SH SYNOPSIS\n\\fBn2s\\fR \\fIverb\\fR [\\fIoptions\\fR]\n.SH VERBS\n";
  for (const VerbRow& verb : program.verbs)
    page += fmt::format(".TP\n\\fBn2s\\-{}\\fR(1)\n{}\n", plain(verb.name), plain(verb.description));
  return page + notes(program.footer) + kExitStatus;
}

std::string man_page(const VerbRow& verb, const std::string& version) {
  std::string page = title("n2s-" + verb.name, version);
  page += fmt::format(".SH NAME\nn2s\\-{} \\- {}\n.SH SYNOPSIS\n{}\n", plain(verb.name), plain(verb.description),
                      synopsis(verb));
  std::vector<std::string> headings;
  for (const OptionRow& option : verb.options)
    if (std::find(headings.begin(), headings.end(), option.heading) == headings.end())
      headings.push_back(option.heading);
  for (const std::string& heading : headings) {
    page += fmt::format(".SH {}\n", upper(plain(heading)));
    for (const OptionRow& option : verb.options)
      if (option.heading == heading) page += entry(option);
  }
  return page + notes(verb.footer) + kExitStatus + ".SH SEE ALSO\n\\fBn2s\\fR(1)\n";
}

}  // namespace n2s
