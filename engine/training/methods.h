// The training methods, one row each (Papkov et al. 2020, section 2.1): what the network sees, what it is to predict,
// and what data that needs. Batches, validation, fixed noise and the GPU's batch plan all read these rows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/blind_spot/blind_spot.h"
#include "kernels/gather_planes/batch_plan.h"

namespace n2s {

/// Which planes the network sees when it predicts plane p; fixes how many there can be.
enum class InputPlanes {
  neighbours,             // p-1, p+1, ... without p itself: an even number
  neighbours_and_target,  // the neighbours and p: an odd number
  target_alone            // p: one plane
};

struct TrainingMethod {
  std::string_view name;   // of --method; several rows may share one and differ in the number of planes
  std::string_view title;  // for the user
  InputPlanes inputs;
  /// Where the target comes from when noise is simulated on a clean stack.
  TargetOf target;
  /// Whether a second stack (another noisy copy, or the clean planes) or simulated noise is needed; without either a
  /// method learns from the noisy stack alone.
  bool needs_target;
  /// Of methods that hide pixels of the target plane from the network: which, unless the user says otherwise.
  std::optional<BlindSpots> blind_spots{};
  /// The network, for methods that take a particular one unless the user says otherwise; else empty.
  std::string_view network{};
};

std::span<const TrainingMethod> training_methods();

/// The names of --method, each once, in the table's order.
std::vector<std::string> method_names();

/// "noise2stack (self-supervised: 2, 4, 6 ... planes; ...), noise2noise (...), ...": for help texts.
std::string method_descriptions();

/// The row for this name and number of planes. Throws Error with the known names, or with the numbers of planes that
/// the method takes.
const TrainingMethod& training_method(const std::string& name, int planes);

/// Number of input planes where the user leaves it open: four neighbours, two where the shortest stack has fewer than
/// five planes, and the target itself where the method sees it; of methods that hide pixels the target alone, as
/// published. Throws Error for an unknown name.
int default_planes(const std::string& name, int shortest_stack, bool has_target);

}  // namespace n2s
