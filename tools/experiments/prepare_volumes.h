// Data sets of whole files, one stack each: the paper's MRI experiment (section 3.1), and any other stacks.
#pragma once

#include <filesystem>
#include <string>

#include "tools/common.h"
#include "tools/experiments/data_set.h"

namespace n2s {

struct MriSettings {
  PartRules parts;   // none: the paper's subjects, where the files are IXI's; else 80, 10 and 10 % of the volumes
  int middle = 100;  // planes from the middle
  int side = 256;    // planes are padded to it: pixels
  InputOptions input;
};

/// T1 volumes, divided by their maximum, less 0.5; planes centred in squares filled with -0.5. Throws Error.
DataSetPlan plan_mri(const std::filesystem::path& folder, const MriSettings& settings);

struct StackSetSettings {
  PartRules parts;            // none: 80, 10 and 10 % of the files
  std::string second, truth;  // folders with files of the same names: a second noisy copy, and what is true; or empty
  InputOptions input;
};

/// Files as they are, one stack for each of their channels and time points. Throws Error.
DataSetPlan plan_stacks(const std::filesystem::path& folder, const StackSetSettings& settings);

}  // namespace n2s
