// What a network learns from: normalised stacks and how batches are drawn from them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/normalisation.h"
#include "data/stack_planes.h"
#include "engine/training/methods.h"
#include "engine/training/plane_noise.h"
#include "kernels/blind_spot/blind_spot.h"
#include "kernels/gather_planes/gather_planes.h"

namespace n2s {

/// One normalised stack to learn from. What `source` and `target` are depends on the data:
/// one noisy stack (self-supervised): source; two noisy copies: source and target; noisy and clean: source and target;
/// a clean stack and simulated noise: source alone.
struct TrainingStack {
  StackPlanes source;
  std::optional<StackPlanes> target;
  std::set<int> held_out;  // planes that are no training targets: they validate
  std::string name{};      // for messages
};

struct BatchSettings {
  std::string method = "noise2stack";  // with `planes` it names a row of training_methods()
  int planes = 4;                      // input planes
  int gap = 0;                         // planes skipped on each side of the target
  int batch = 16;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  /// Noise to simulate on clean sources, drawn anew at every visit of a plane. For noise that is fixed, corrupt the
  /// stacks once (fixed_noise.h) and leave this empty.
  std::optional<NoiseSpec> noise;
  /// The pixels that are hidden from the network, for methods that do so; else empty.
  std::optional<BlindSpots> blind_spots;
  Normalisation normalisation;  // of the sources: noise is in the file's units. With k-space noise, to which offset and
                                // scale make no difference, stacks may each have their own
};

inline const TrainingMethod& method_of(const BatchSettings& settings) {
  return training_method(settings.method, settings.planes);
}

/// Throws Error when method, number of planes and data do not go together.
void check_method(const BatchSettings& settings, const std::vector<TrainingStack>& stacks);

struct PlaneOfStack {
  int stack = 0, plane = 0;
};

/// The plane that a sample's target shows, of the sample's stack or of its second one: `plane`, or the other one of its
/// pair (0 and 1, 2 and 3 ...; a last plane without one is paired with the one before).
int target_plane(const TrainingMethod& method, const TrainingStack& stack, int plane);

/// The planes to predict: all but those held out. Throws Error as check_method does, and when none is left.
std::vector<PlaneOfStack> training_targets(const std::vector<TrainingStack>& stacks, const BatchSettings& settings);

}  // namespace n2s
