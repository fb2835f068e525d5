// The command line with CLI11.
#include "tools/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <sstream>
#include <type_traits>
#include <vector>

#include "tools/ranks/launched_ranks.h"
#include "tools/standard_streams.h"

namespace n2s {
namespace {

constexpr std::size_t kHelpColumn = 34;  // characters: where the help texts begin
constexpr std::size_t kHelpWidth = 76;
constexpr const char* kUsual = "Usual verbs";

/// Whether all of `text` is a number; std::from_chars reads no blanks and no plus sign.
template <typename T>
bool read_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

CLI::Validator whole_numbers(long low, long high) {
  const auto wrong = [=](const std::string& text) {
    long value = 0;
    const bool good = read_number(text, value) && value >= low && value <= high;
    return good ? std::string() : fmt::format("'{}' is not a whole number from {} to {}", text, low, high);
  };
  return {wrong, fmt::format("{} to {}", low, high)};
}

CLI::Validator numbers(double low, double high, bool low_counts) {
  const auto wrong = [=](const std::string& text) {
    double value = 0;
    const bool good = read_number(text, value) && (low_counts ? value >= low : value > low) && value <= high;
    return good ? std::string()
                : fmt::format("'{}' is not a number {} {:g} {} {:g}", text, low_counts ? "from" : "above", low,
                              low_counts ? "to" : "and up to", high);
  };
  return {wrong, fmt::format("{}{:g} to {:g}", low_counts ? "" : "above ", low, high)};
}

/// An empty text is usually a script's variable that was not set.
std::string wrong_where_empty(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

/// Breaks a help text into lines; CLI11 indents them but does not break them itself.
std::string wrapped(const std::string& help) {
  std::istringstream words(help);
  std::string text;
  std::size_t column = 0;
  for (std::string word; words >> word; column += word.size() + 1) {
    const bool fits = column == 0 || column + word.size() <= kHelpWidth;
    if (!text.empty()) text += fits ? ' ' : '\n';
    if (!fits) column = 0;
    text += word;
  }
  return text;
}

/// CLI11 says only "A subcommand is required" where the first word is not one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> words = app.remaining();
  if (app.get_subcommands().empty() && !words.empty())
    return fmt::format("there is no {} '{}'", words[0].starts_with('-') ? "option" : "verb", words[0]);
  return error.what();
}

/// Lines that wrapped() has broken become one.
std::string unwrapped(std::string help) {
  std::replace(help.begin(), help.end(), '\n', ' ');
  return help;
}

/// "TEXT:{fp32,fp16}" -> fp32, fp16
std::vector<std::string> choices_of(const std::string& type) {
  const std::size_t begin = type.find('{'), end = type.find('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos) return choices;
  std::istringstream list(type.substr(begin + 1, end - begin - 1));
  for (std::string choice; std::getline(list, choice, ',');) choices.push_back(choice);
  return choices;
}

OptionRow row_of(const CLI::Option& option) {
  OptionRow row;
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  if (row.names.empty()) row.position = option.get_name();
  if (option.get_expected_max() > 0) row.argument = option.get_type_name();
  row.choices = choices_of(row.argument);
  row.default_value = option.get_default_str();
  row.help = unwrapped(option.get_description());
  row.heading = row.names.empty() ? "Arguments" : option.get_group();
  row.required = option.get_required();
  return row;
}

VerbRow row_of(const CLI::App& verb) {
  VerbRow row{verb.get_name(), verb.get_description(), verb.get_footer(), verb.get_group() == kUsual, {}};
  for (const CLI::Option* option : verb.get_options()) row.options.push_back(row_of(*option));
  return row;
}

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

Option& Option::between(long low, long high) {
  option_->check(whole_numbers(low, high));
  return *this;
}

Option& Option::between(double low, double high) {
  option_->check(numbers(low, high, true));
  return *this;
}

Option& Option::above_zero(double high) {
  option_->check(numbers(0, high, false));
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::pair() {
  option_->expected(2)->delimiter(',');
  return *this;
}

Option& Option::check(const std::function<std::string(const std::string& text)>& wrong) {
  option_->check(CLI::Validator(wrong, ""));
  return *this;
}

template <typename T>
Option Verb::option(const std::string& names, T& value, const std::string& help) {
  CLI::Option* option = app_->add_option(names, value, wrapped(help));
  if (!heading_.empty()) option->group(heading_);
  if constexpr (std::is_same_v<T, std::string>) option->check(CLI::Validator(wrong_where_empty, ""));
  return Option(*option);
}
template Option Verb::option(const std::string&, std::string&, const std::string&);
template Option Verb::option(const std::string&, int&, const std::string&);
template Option Verb::option(const std::string&, long&, const std::string&);
template Option Verb::option(const std::string&, double&, const std::string&);
template Option Verb::option(const std::string&, std::uint64_t&, const std::string&);
template Option Verb::option(const std::string&, std::optional<std::size_t>&, const std::string&);
template Option Verb::option(const std::string&, std::optional<double>&, const std::string&);
template Option Verb::option(const std::string&, std::vector<std::string>&, const std::string&);
template Option Verb::option(const std::string&, std::vector<double>&, const std::string&);

Option Verb::flag(const std::string& names, bool& value, const std::string& help) {
  CLI::Option* option = app_->add_flag(names, value, wrapped(help));
  if (!heading_.empty()) option->group(heading_);
  return Option(*option);
}

void Verb::footer(const std::string& text) {
  app_->footer(text);
}

void Verb::on_run(const std::function<void()>& work) {
  app_->callback([work, name = app_->get_name()] {
    refuse_ranks(name);
    work();
  });
}

void Verb::on_run_of_ranks(const std::function<void(ProcessRanks*)>& work) {
  app_->callback([work] { on_ranks(work); });
}

Program::Program(const std::string& description, const std::string& version)
    : app_(std::make_unique<CLI::App>(description)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
  app_->get_formatter()->column_width(kHelpColumn);
  app_->footer(
      "n2s VERB --help has a verb's options and examples.\n"
      "Exit codes: 0 done; 1 an error, which one line on standard error describes; 2 wrong usage.");
}

Program::~Program() = default;

Verb Program::add_verb(const std::string& name, const std::string& description, bool is_usual) {
  CLI::App* verb = app_->add_subcommand(name, description);
  verb->group(is_usual ? kUsual : "Other verbs");
  return Verb(*verb);
}

ProgramRow Program::table() const {
  ProgramRow program{app_->get_description(), app_->get_footer(), {}};
  for (const bool usual : {true, false})
    for (const CLI::App* verb :
         app_->get_subcommands([&](const CLI::App* v) { return (v->get_group() == kUsual) == usual; }))
      program.verbs.push_back(row_of(*verb));
  return program;
}

void Program::execute(const std::vector<std::string>& words) {
  try {
    app_->parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the end
  } catch (const CLI::ParseError& error) {
    throw UsageError(usage_error(*app_, error));
  }
}

int Program::run(int argc, char** argv) {
  const auto fail = [](int code, const std::string& text) {
    let_first_rank_speak();
    print_note(fmt::format("n2s: error: {}\n", text));
    return code;
  };
  try {
    app_->parse(argc, argv);
    check_results_written();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_->exit(error);  // --help, --version
    if (argc < 2) return fmt::print("{}", app_->help()), 2;
    const std::vector<CLI::App*> verbs = app_->get_subcommands();
    return fail(2, fmt::format("{} (see n2s {}--help)", usage_error(*app_, error),
                               verbs.empty() ? "" : verbs.front()->get_name() + " "));
  } catch (const std::bad_alloc&) {
    return fail(1, "out of memory");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
  return 0;
}

}  // namespace n2s
