// The command line as a table: what --help, the manual pages and the shells' completions are made from.
#pragma once

#include <string>
#include <vector>

namespace n2s {

struct OptionRow {
  std::vector<std::string> names;  // "-o", "--output"; empty: a positional argument
  std::string argument;            // "TEXT", "INT:3 to 101"; empty: a flag
  std::vector<std::string> choices;
  std::string default_value;  // empty: none is shown
  std::string help;           // one paragraph
  std::string heading;        // under which --help shows it
  std::string position;       // name of a positional argument
  bool required = false;
};

struct VerbRow {
  std::string name, description, footer;
  bool is_usual = false;  // --help shows these first
  std::vector<OptionRow> options;
};

struct ProgramRow {
  std::string description, footer;
  std::vector<VerbRow> verbs;  // in the order of --help
};

}  // namespace n2s
