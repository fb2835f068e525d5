// A data set for an experiment: stacks with a name, each in one of three parts and in one or more copies (clean; low
// and high exposure; ...), in one HDF5 file as PART/NAME/COPY. n2s prepare writes it, n2s reproduce reads it; every
// other verb reads single stacks of it with --dataset.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/stack.h"
#include "tools/common.h"

namespace n2s {

enum class Part { train, validation, test };
inline constexpr std::array kParts{Part::train, Part::validation, Part::test};
std::string part_name(Part part);

/// What cannot be used, or is not there: "brain.nii.gz: damaged ...".
struct Findings {
  std::vector<std::string> unusable;  // an error, unless the user goes on without
  std::vector<std::string> missing;   // the data set is smaller than it should be
  std::vector<std::string> ignored;   // files of other kinds
};

struct PlannedCopy {
  std::string name;  // "clean", "low", ...
  std::vector<std::filesystem::path> files;
  Image header;                 // Z, Y, X without values; the sample type that is written
  std::function<Stack()> load;  // throws Error
};

struct PlannedStack {
  std::string name;
  Part part = Part::train;
  std::vector<PlannedCopy> copies;
};

/// Everything that a data set will hold.
struct DataSetPlan {
  std::string kind;      // "mri", "microscopy", "stacks"
  std::string settings;  // what was done to the voxels, JSON
  std::vector<PlannedStack> stacks;
  std::vector<PlannedCopy> backgrounds;  // of single planes, which have been subtracted: background/NAME
  Findings findings;
};

/// Where the names go. Each text is a list of names, in which * and ? stand for others ("IXI06*,IXI070"), or a
/// fraction of all of them ("0.8"); fractions take the names in their order. Empty texts leave it to the kind of data.
struct PartRules {
  std::string train, validation, test;

  bool are_given() const { return !train.empty() || !validation.empty() || !test.empty(); }
};

/// The part of each name. Noted are names that no rule takes, and items of a list that take none. Throws Error for a
/// name in two lists, and for fractions that are more than the whole.
std::map<std::string, Part> apply_rules(const PartRules& rules, const std::vector<std::string>& names,
                                        Findings& findings);

/// Lists the findings; throws Error where some files cannot be used and `leave_out` is not set, and where no stack is
/// left to train on.
void report(const DataSetPlan& plan, bool leave_out, const CommonOptions& common);

/// Reads, and writes the file. Stacks that turn out to be damaged are left out with `leave_out`, and else an Error.
void write_data_set(const std::filesystem::path& path, DataSetPlan& plan, bool leave_out, const CommonOptions& common);

/// The files of a folder and its subfolders, sorted; hidden ones are left out. Throws Error where there are none.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder);

}  // namespace n2s
