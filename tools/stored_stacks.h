// Training data that is too large to be held as floats: the stacks of files, stored in the files' sample types.
#pragma once

#include <string>
#include <vector>

#include "data/levels.h"
#include "data/stack_planes.h"
#include "data/stored_planes.h"
#include "tools/stack_levels.h"
#include "tools/stack_stream.h"

namespace n2s {

/// What is free for voxels: `gib` where it is above 0, else half of the memory that this process may take and that
/// training itself leaves. What does not fit is kept in `folder`.
VoxelMemory voxel_memory(double gib, const std::filesystem::path& folder);

/// Reads all stacks of the file, or the `middle` planes of each where that is above 0. Throws Error.
std::vector<StackPlanes> store_stacks(const OpenFile& file, int middle, VoxelMemory& memory);

/// The same, in memory as floats.
std::vector<StackPlanes> load_stacks(const OpenFile& file, int middle);

/// Says where the voxels are, if not all are in memory.
void describe(const VoxelMemory& memory, const CommonOptions& common);

struct NamedPlanes {
  std::string name;
  StackPlanes planes;  // as stored
};

/// Stored stacks with their levels. What see_stacks() and apply_normalisation() do to stacks in memory, in one pass
/// over the voxels, with the rounding of CountedVoxels.
struct StoredLevels {
  std::vector<StackPlanes> planes;  // normalised
  std::vector<SeenStack> seen;      // without voxels
  Normalisation shared;             // of all stacks together
};
StoredLevels see_stored(const std::vector<NamedPlanes>& stacks, const std::string& kind, LevelsFrom from,
                        const CommonOptions& common);

/// With a map that is given, such as that of the source for its target. Throws Error.
StackPlanes with_levels(const NamedPlanes& stack, const Normalisation& given);

}  // namespace n2s
