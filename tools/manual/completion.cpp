// See completion.h.
#include "tools/manual/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace n2s {
namespace {

/// The first sentence or clause, of at most a line: what fits beside a name.
std::string brief(const std::string& help) {
  constexpr std::size_t kMost = 60;
  if (help.size() <= kMost) return help;
  const std::size_t end = help.find_last_of(' ', kMost);
  return help.substr(0, end) + " ...";
}

/// Within single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result;
}

/// Within a description of zsh's _arguments, where brackets and colons are syntax.
std::string for_zsh(const std::string& text) {
  std::string result;
  for (const char c : quoted(text)) {
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string longest(const OptionRow& option) {
  return *std::max_element(option.names.begin(), option.names.end(),
                           [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
}

std::vector<std::string> names_of(const VerbRow& verb) {
  std::vector<std::string> names;
  for (const OptionRow& option : verb.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

}  // namespace

std::string bash_completion(const ProgramRow& program) {
  std::vector<std::string> verbs;
  std::string options, values;
  for (const VerbRow& verb : program.verbs) {
    verbs.push_back(verb.name);
    options += fmt::format("    {}) options='{}' ;;\n", verb.name, fmt::join(names_of(verb), " "));
    for (const OptionRow& option : verb.options)
      if (!option.names.empty() && !option.choices.empty())
        values +=
            fmt::format("    {}:{}) values='{}' ;;\n", verb.name, longest(option), fmt::join(option.choices, " "));
  }
  return fmt::format(R"(# bash completion of n2s
_n2s() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb=${{COMP_WORDS[1]}} options='' values=''
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "$word")
    return
  fi
  case $verb:$before in
{}  esac
  case $verb in
{}  esac
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
  fi
}}
complete -F _n2s n2s
)",
                     fmt::join(verbs, " "), values, options);
}

std::string zsh_completion(const ProgramRow& program) {
  std::string verbs, cases;
  for (const VerbRow& verb : program.verbs) {
    verbs += fmt::format("    '{}:{}'\n", verb.name, for_zsh(verb.description));
    cases += fmt::format("    {}) _arguments", verb.name);
    for (const OptionRow& option : verb.options)
      for (const std::string& name : option.names) {
        const std::string value = option.argument.empty()  ? ""
                                  : option.choices.empty() ? ":value:_files"
                                                           : fmt::format(":value:({})", fmt::join(option.choices, " "));
        cases += fmt::format(" \\\n      '{}[{}]{}'", name, for_zsh(brief(option.help)), value);
      }
    cases += " \\\n      '*:file:_files' ;;\n";
  }
  return fmt::format(R"(#compdef n2s
# zsh completion of n2s
local -a verbs=(
{})
if ((CURRENT == 2)); then
  _describe verb verbs
else
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
{}  esac
fi
)",
                     verbs, cases);
}

std::string fish_completion(const ProgramRow& program) {
  std::string lines = "# fish completion of n2s\n";
  for (const VerbRow& verb : program.verbs)
    lines +=
        fmt::format("complete -c n2s -n __fish_use_subcommand -f -a {} -d '{}'\n", verb.name, quoted(verb.description));
  for (const VerbRow& verb : program.verbs)
    for (const OptionRow& option : verb.options) {
      if (option.names.empty()) continue;
      lines += fmt::format("complete -c n2s -n '__fish_seen_subcommand_from {}'", verb.name);
      for (const std::string& name : option.names)
        lines += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.choices.empty())
        lines += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
      else if (!option.argument.empty())
        lines += " -r";
      lines += fmt::format(" -d '{}'\n", quoted(brief(option.help)));
    }
  return lines;
}

}  // namespace n2s
