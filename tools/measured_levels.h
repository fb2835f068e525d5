// The levels of stacks that are read a few planes at a time, from one pass over them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "data/levels.h"
#include "data/planes_to_read.h"
#include "data/stack_planes.h"
#include "data/voxel_statistics.h"
#include "tools/stack_stream.h"

namespace n2s {

PlanesToRead planes_to_read(const OpenFile& file, std::size_t stack);
/// Whatever the values are; of an order of axes that can only be read whole, from memory.
PlanesToRead planes_in_any_order(const OpenFile& file, std::size_t stack);
/// Of a stack in memory, which must live as long as the result.
PlanesToRead planes_to_read(const std::string& name, const Stack& stack);
/// Of planes as they are stored. They must live as long as the result.
PlanesToRead planes_to_read(const std::string& name, const StoredPlanes& stored);

/// Says which stacks were chosen, and `how` they are worked on; warns as warn_of_rounding() does. Throws Error.
void describe_file(const OpenFile& file, const CommonOptions& common, const std::string& how = "");

/// Of the plane in the middle of the first stack. Throws Error.
void warn_of_rounding(const OpenFile& file);

/// The same for warn_of_few_steps().
void warn_of_few_steps(const OpenFile& file, const std::filesystem::path& out, const WriteOptions& write);

/// Of a sample of the planes. Throws Error.
BulkLevels sampled_bulk_levels(const PlanesToRead& planes);

/// What one pass finds.
struct VoxelSurvey {
  BulkLevels bulk;
  ExtremeValues replaced;    // counts alone; `medians` where they were asked for
  double low = 0, high = 0;  // of the voxels, once hot pixels are replaced
};

/// Replaces what is replaced before a map of `kind` is fitted, and counts all voxels in `voxels`. Throws Error.
VoxelSurvey survey(const PlanesToRead& planes, const std::string& kind, bool keep_medians, CountedVoxels& voxels);

/// The levels of a stack of a file.
struct MeasuredLevels {
  StreamLevels levels;
  ExtremeValues replaced;    // counts alone
  double low = 0, high = 0;  // of the voxels
};

/// Fits a map of `kind`, unless one is given. A stack whose voxels are all the same gets a map to 0. Throws Error.
MeasuredLevels measure_levels(const OpenFile& file, std::size_t stack, const std::string& kind,
                              const std::optional<Normalisation>& given);

}  // namespace n2s
