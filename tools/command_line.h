// The program's command line: verbs and their options. A thin layer over CLI11, whose headers cost each file that
// includes them 5 seconds of compile time: command_line.cpp is the only one that does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/error.h"
#include "tools/manual/option_table.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
class Option;
}  // namespace CLI

namespace n2s {

class ProcessRanks;

/// One option, just declared: what is checked of its value, and what --help says of it.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option& required();
  Option& show_default();
  Option& one_of(const std::vector<std::string>& values);
  /// Whole numbers, both limits included.
  Option& between(long low, long high);
  Option& between(double low, double high);
  /// Numbers above 0, up to and including `high`.
  Option& above_zero(double high);
  /// Not to be given together with the other one.
  Option& excludes(const Option& other);
  /// Two values: "LOW,HIGH" or "LOW HIGH".
  Option& pair();
  /// `wrong` returns what is wrong with a value's text, or an empty string.
  Option& check(const std::function<std::string(const std::string& text)>& wrong);

 private:
  CLI::Option* option_;
};

/// One verb. What its options are bound to must live until the program has run.
class Verb {
 public:
  explicit Verb(CLI::App& app) : app_(&app) {}

  /// Options declared after this stand under `heading` in --help.
  void heading(const std::string& heading) { heading_ = heading; }

  /// `names` is "-o,--output", or "IN" for a positional argument. For strings, int, long, double, std::uint64_t,
  /// std::optional<std::size_t> and <double>, and vectors of strings or doubles.
  template <typename T>
  Option option(const std::string& names, T& value, const std::string& help);
  Option flag(const std::string& names, bool& value, const std::string& help);

  void footer(const std::string& text);
  /// `work` runs in one process: several that were started together are refused.
  void on_run(const std::function<void()>& work);
  /// The same, alone (null) or as one of several.
  void on_run_of_ranks(const std::function<void(ProcessRanks* ranks)>& work);

 private:
  CLI::App* app_;
  std::string heading_;
};

/// A word of the command line that is missing, unknown or has a wrong value.
class UsageError : public Error {
 public:
  using Error::Error;
};

class Program {
 public:
  Program(const std::string& description, const std::string& version);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Usual verbs stand first in --help.
  Verb add_verb(const std::string& name, const std::string& description, bool is_usual = false);

  /// All verbs with their options.
  ProgramRow table() const;

  /// Parses and runs the verb. Errors become one line on standard error. Returns the exit code: 1 for an error, 2 for
  /// wrong usage.
  int run(int argc, char** argv);

  /// The same for a calling program: `words` follow the program's name. Throws UsageError for wrong usage, and what the
  /// verb throws.
  void execute(const std::vector<std::string>& words);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace n2s
