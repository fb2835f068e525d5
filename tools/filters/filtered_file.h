// Files restored by methods that learn nothing: plane by plane, or with some planes around each.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "data/planes_to_read.h"
#include "tools/common.h"
#include "tools/ranks/process_ranks.h"

namespace n2s {

/// Filters the planes of one stack.
struct StackFilter {
  int reach = 0;  // planes before and behind each that its result depends on
  /// All planes of `noisy`, consecutive ones of the stack with finite voxels; the caller drops those that it read for
  /// their neighbours.
  std::function<void(const Stack& noisy, std::span<float> restored)> run;
};

struct FilterRequest {
  std::string in, out;
  InputOptions input;
  CommonOptions common;
  bool as_float = false;          // whatever the file's sample type is
  ProcessRanks* ranks = nullptr;  // that filter it together, of which the first one writes; null: one process
  /// Called once for each stack, before its planes are filtered.
  std::function<StackFilter(const PlanesToRead& planes)> filter_of;
};

/// Writes what the filters make of the file's stacks, in its full shape and sample type; memory does not grow with the
/// number of planes where the output's format takes planes in the file's order. Hot pixels are replaced before, NaN
/// stays. Returns the number of planes. Throws Error; nothing is written then.
std::size_t filter_file(const FilterRequest& request);

}  // namespace n2s
