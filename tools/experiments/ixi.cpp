// See ixi.h.
#include "tools/experiments/ixi.h"

#include <fmt/format.h>

#include <regex>
#include <utility>

namespace n2s {
namespace {

std::vector<int> numbers(const std::vector<std::pair<int, int>>& ranges) {
  std::vector<int> all;
  for (const auto& [first, last] : ranges)
    for (int i = first; i <= last; ++i) all.push_back(i);
  return all;
}

}  // namespace

std::vector<int> ixi_training_pool() {
  return numbers({{2, 2}, {12, 17}, {19, 31}, {33, 46}, {48, 63}});
}

std::vector<int> ixi_test_subjects() {
  return numbers({{64, 73}});
}

std::optional<IxiName> ixi_name(const std::string& file) {
  static const std::regex name(R"(IXI(\d{3})-[A-Za-z]+-\d+-([A-Za-z0-9]+)\..*)");
  std::smatch parts;
  if (!std::regex_match(file, parts, name)) return std::nullopt;
  return IxiName{std::stoi(parts[1]), parts[2] == "T1"};
}

std::string ixi_subject_name(int subject) {
  return fmt::format("IXI{:03}", subject);
}

}  // namespace n2s
