// A data set that n2s prepare has written (data_set.h), as an experiment reads it.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/stack.h"
#include "data/stack_planes.h"
#include "data/stored_planes.h"
#include "tools/experiments/data_set.h"

namespace n2s {

struct StoredDataSet {
  struct Entry {
    std::string name;
    Part part = Part::train;
    std::set<std::string> copies;  // "clean", "low", ...
  };

  std::filesystem::path file;
  std::string kind;  // "mri", "microscopy", "stacks"
  std::vector<Entry> entries;

  std::vector<Entry> of(Part part) const;
  bool has_copy(const std::string& copy) const;
};

/// Throws Error for a file that n2s prepare has not written.
StoredDataSet open_data_set(const std::filesystem::path& file);

/// One copy of a stack, in memory. Throws Error where there is none.
Stack load_copy(const StoredDataSet& data, const StoredDataSet::Entry& entry, const std::string& copy);

/// The same of several stacks as training wants them: as floats, or in `memory` where they are large together.
std::vector<StackPlanes> load_for_training(const StoredDataSet& data, const std::vector<StoredDataSet::Entry>& entries,
                                           const std::string& copy, VoxelMemory& memory);

}  // namespace n2s
