// What each of several ranks does otherwise than a process that is alone.
#pragma once

#include "data/stored_planes.h"
#include "tools/common.h"
#include "tools/ranks/process_ranks.h"

namespace n2s {

/// The common options of this rank: where they are left open, the ranks of a node take a GPU each, in turn, and share
/// its cores.
CommonOptions options_of_rank(CommonOptions common, const ProcessRanks& ranks);

/// Voxels that do not fit into a rank's part of the memory may lie in the others'. `memory` is what this rank, alone on
/// its node, could take.
VoxelMemory memory_of_ranks(VoxelMemory memory, ProcessRanks& ranks);

/// Throws Error, on all ranks, where `text` is not the same on all: `what` differs between them.
void check_alike(Ranks& ranks, const std::string& what, const std::string& text);

}  // namespace n2s
