// See data_set.h.
#include "tools/experiments/data_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

#include "data/formats/hdf5_collection.h"
#include "data/formats/zarr_array.h"
#include "data/json_text.h"
#include "data/text.h"
#include "kernels/base/error.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

const std::string& rule_of(const PartRules& rules, Part part) {
  return part == Part::train ? rules.train : part == Part::validation ? rules.validation : rules.test;
}

std::vector<std::string> items_of(const std::string& list) {
  std::vector<std::string> items;
  std::istringstream text(list);
  for (std::string item; std::getline(text, item, ',');)
    if (const std::string name = trimmed(item); !name.empty()) items.push_back(name);
  return items;
}

/// "0.8"; nothing for a list of names.
std::optional<double> fraction(const std::string& text) {
  if (text.find_first_not_of("0123456789.") != std::string::npos || text.find('.') == std::string::npos)
    return std::nullopt;
  const double value = std::strtod(text.c_str(), nullptr);
  if (!(value >= 0 && value <= 1)) throw Error(fmt::format("{}: a fraction of the stacks is between 0 and 1", text));
  return value;
}

void take_listed(const std::string& list, Part part, const std::vector<std::string>& names,
                 std::map<std::string, Part>& parts, Findings& findings) {
  for (const std::string& item : items_of(list)) {
    bool found = false;
    for (const std::string& name : names) {
      if (fnmatch(item.c_str(), name.c_str(), 0) != 0) continue;
      found = true;
      const auto [place, is_new] = parts.try_emplace(name, part);
      if (!is_new && place->second != part)
        throw Error(fmt::format("{}: in both --{} and --{}; each stack has one part", name, part_name(place->second),
                                part_name(part)));
    }
    if (!found)
      findings.unusable.push_back(
          fmt::format("--{} {}: no stack has this name; there are {}", part_name(part), item, fmt::join(names, ", ")));
  }
}

void take_fractions(const PartRules& rules, const std::vector<std::string>& names, std::map<std::string, Part>& parts) {
  std::vector<std::string> open;
  for (const std::string& name : names)
    if (!parts.contains(name)) open.push_back(name);
  double sum = 0;
  std::size_t taken = 0;
  for (const Part part : kParts) {
    const std::optional<double> share = fraction(rule_of(rules, part));
    if (!share) continue;
    sum += *share;
    if (sum > 1 + 1e-9) throw Error("--train, --validation and --test: the fractions are more than 1 together");
    const double upto = sum * static_cast<double>(open.size());  // rounded down: of few stacks, the test gets one
    const auto end = std::min(open.size(), static_cast<std::size_t>(upto + 1e-9));
    for (; taken < end; ++taken) parts[open[taken]] = part;
  }
}

/// Of a file, or of the files of an image that is a folder, one after the other.
struct Checksum {
  std::uintmax_t bytes = 0;
  uLong crc = crc32(0, nullptr, 0);
};
Checksum checksum(const fs::path& path) {
  Checksum sum;
  std::vector<char> bytes(std::size_t{1} << 20);
  for (const fs::path& part : fs::is_directory(path) ? files_of(path) : std::vector<fs::path>{path}) {
    std::ifstream file(part, std::ios::binary);
    while (file) {
      file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      sum.bytes += static_cast<std::uintmax_t>(file.gcount());
      sum.crc = crc32(sum.crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(file.gcount()));
    }
  }
  return sum;
}

nlohmann::json sources_json(const PlannedCopy& copy) {
  nlohmann::json sources = nlohmann::json::array();
  for (const fs::path& file : copy.files) {
    const Checksum sum = checksum(file);
    sources.push_back({{"file", file.string()}, {"bytes", sum.bytes}, {"crc32", fmt::format("{:08x}", sum.crc)}});
  }
  return sources;
}

void list(const CommonOptions& common, const std::vector<std::string>& texts, const std::string& heading) {
  if (texts.empty()) return;
  constexpr std::size_t kMost = 40;
  say(common, "{} ({}):", heading, texts.size());
  for (std::size_t i = 0; i < std::min(kMost, texts.size()); ++i) say(common, "  {}", texts[i]);
  if (texts.size() > kMost) say(common, "  and {} more", texts.size() - kMost);
}

std::size_t count_of(const DataSetPlan& plan, Part part) {
  return static_cast<std::size_t>(std::count_if(plan.stacks.begin(), plan.stacks.end(),
                                                [&](const PlannedStack& stack) { return stack.part == part; }));
}

}  // namespace

std::string part_name(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

std::map<std::string, Part> apply_rules(const PartRules& rules, const std::vector<std::string>& names,
                                        Findings& findings) {
  std::map<std::string, Part> parts;
  for (const Part part : kParts)
    if (!fraction(rule_of(rules, part))) take_listed(rule_of(rules, part), part, names, parts, findings);
  take_fractions(rules, names, parts);
  for (const std::string& name : names)
    if (!parts.contains(name)) findings.ignored.push_back(fmt::format("{}: in none of the three parts", name));
  return parts;
}

void report(const DataSetPlan& plan, bool leave_out, const CommonOptions& common) {
  list(common, plan.findings.ignored, "ignored");
  list(common, plan.findings.missing, "missing");
  list(common, plan.findings.unusable, "cannot be used");
  if (!plan.findings.unusable.empty() && !leave_out)
    throw Error(fmt::format(
        "{}{}; mend this, or add --leave-out to go on without", plan.findings.unusable.front(),
        plan.findings.unusable.size() > 1 ? fmt::format(" (and {} more)", plan.findings.unusable.size() - 1) : ""));
  if (count_of(plan, Part::train) == 0) throw Error("no stack is left to train on: see --train");
  if (count_of(plan, Part::test) == 0) say(common, "no stack is there to test with: see --test");
}

void write_data_set(const fs::path& path, DataSetPlan& plan, bool leave_out, const CommonOptions& common) {
  const InterruptGuard guard;
  Hdf5Collection file(path, common.force);
  Progress progress("preparing", "stacks", static_cast<long>(plan.stacks.size()), common.quiet);
  long done = 0;
  std::set<std::string> damaged;
  for (const PlannedStack& planned : plan.stacks) {
    // All copies, then the file: a stack with a copy that is damaged is left out as a whole.
    std::vector<Stack> copies;
    try {
      for (const PlannedCopy& copy : planned.copies) copies.push_back(copy.load());
    } catch (const Error& error) {
      if (!leave_out || interrupted()) throw;
      plan.findings.unusable.emplace_back(error.what());
      damaged.insert(planned.name);
      warn("{}; left out", error.what());
      continue;
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
      const PlannedCopy& copy = planned.copies[i];
      file.add(fmt::format("{}/{}/{}", part_name(planned.part), planned.name, copy.name), copy.header, copies[i],
               "sources", json_text(sources_json(copy)));
    }
    progress.update(++done);
    if (interrupted()) throw Error(fmt::format("{}: interrupted; nothing is written", path.string()));
  }
  progress.finish();
  std::erase_if(plan.stacks, [&](const PlannedStack& planned) { return damaged.contains(planned.name); });
  if (plan.stacks.empty()) throw Error("every stack is damaged");
  for (const PlannedCopy& background : plan.backgrounds)
    file.add("background/" + background.name, background.header, background.load(), "sources", "[]");
  file.describe("preparation", json_text(nlohmann::json{{"format", 1},
                                                        {"program", "n2s " N2S_VERSION},
                                                        {"kind", plan.kind},
                                                        {"settings", parse_json(plan.settings)},
                                                        {"left_out", plan.findings.unusable},
                                                        {"missing", plan.findings.missing},
                                                        {"ignored", plan.findings.ignored}}));
  file.commit();
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) throw Error(fmt::format("{}: not a folder", folder.string()));
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    const bool is_image = entry->is_directory() && is_zarr_folder(entry->path());
    if (entry->is_directory() && (is_hidden || is_image)) entry.disable_recursion_pending();
    if (is_image || (!is_hidden && entry->is_regular_file())) files.push_back(entry->path());
  }
  if (failed) throw Error(fmt::format("{}: cannot be listed: {}", folder.string(), failed.message()));
  if (files.empty()) throw Error(fmt::format("{}: holds no file", folder.string()));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace n2s
