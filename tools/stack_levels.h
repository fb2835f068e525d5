// The levels of the stacks at hand: statistics, replaced voxels, and a warning where a stack is unlike what the model
// learned from; printed, and part of --json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/levels.h"
#include "data/stack.h"
#include "data/stack_traits.h"
#include "engine/devices/device.h"
#include "tools/common.h"

namespace n2s {

/// Whose statistics normalise a stack (--levels).
enum class LevelsFrom { stack, shared, model };
LevelsFrom levels_from(const std::string& name);

/// A stack as the network sees it: in the file's units, extreme values replaced.
struct SeenStack {
  Stack stack;
  Normalisation normalisation;
  ExtremeValues replaced;
};

/// One map for each stack, or a shared one for all. A stack whose voxels are all the same, such as a blank time point,
/// gets that of all stacks together, where these differ. `name` of a stack begins Error and notes.
struct NamedStack {
  std::string name;
  Stack stack;
};
std::vector<SeenStack> see_stacks(std::vector<NamedStack> stacks, const std::string& kind, LevelsFrom from,
                                  const Device& device, const CommonOptions& common);

/// A stack whose map is given.
SeenStack see_stack(NamedStack stack, const Normalisation& given, const Device& device, const CommonOptions& common);

/// Prints one of the lines that compare_with_training() returns.
void warn_of_unlike_data(const std::string& name, const std::string& line);

/// Warns where a stack is unlike what the model was trained on; the lines are returned.
std::vector<std::string> compare_with_training(const std::string& name, const std::optional<StackTraits>& trained,
                                               const SeenStack& seen);

/// Whether the levels of the i-th of many stacks are worth a line.
bool is_worth_a_line(std::size_t i, const SeenStack& seen);

/// Prints them.
void describe_stack(const std::string& name, const SeenStack& seen, const CommonOptions& common);

/// {"normalisation", "background", "hot_pixels", "extreme_voxels", "not_finite_voxels"}
nlohmann::json levels_json(const SeenStack& seen);

}  // namespace n2s
