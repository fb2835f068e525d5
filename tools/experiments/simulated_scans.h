// Simulated T1 volumes with the file names of the IXI data set (brain-development.org), which the paper's MRI
// experiment uses: the whole chain from raw files to a table can be tried with them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/base/thread_pool.h"

namespace n2s {

struct ScanSettings {
  int subjects = 12;  // at most 60, those of the paper: test subjects are one in six, two at least
  int planes = 150, side = 256;
  std::uint64_t seed = 1;
};

/// Writes int16 NIfTI volumes of heads that differ, almost free of noise, as IXI's are. Returns their names. Throws
/// Error.
std::vector<std::string> simulate_scans(const std::filesystem::path& folder, const ScanSettings& settings,
                                        bool overwrite, ThreadPool& pool);

}  // namespace n2s
