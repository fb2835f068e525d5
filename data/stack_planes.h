// The planes of a stack as a network sees them, wherever they are kept: whole in memory as floats, or stored in the
// file's sample type, where what a plane undergoes before it reaches the network is done when it is read.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/extreme_values.h"
#include "data/normalisation.h"
#include "data/stack.h"
#include "data/stored_planes.h"

namespace n2s {

/// What stored voxels undergo, in this order; what replace_extremes() (levels.h) and apply_normalisation() do to a
/// stack in memory.
struct PlaneLevels {
  float non_finite = 0;              // in place of NaN and infinity
  std::vector<VoxelValue> isolated;  // in place of hot and dead pixels; ascending indices into the stack
  double low = 0, high = 0;          // limits, in the file's units
  Normalisation normalisation;
};

class StackPlanes {
 public:
  StackPlanes() = default;
  /// NOLINTNEXTLINE(google-explicit-constructor): a stack is its planes.
  StackPlanes(Stack stack);
  /// As stored: in the file's units.
  explicit StackPlanes(std::shared_ptr<const StoredPlanes> stored);
  StackPlanes(std::shared_ptr<const StoredPlanes> stored, PlaneLevels levels);

  int planes = 0, height = 0, width = 0;

  /// Null: they are stored.
  const Stack* in_memory() const { return stack_.get(); }
  const std::shared_ptr<const StoredPlanes>& stored() const { return stored_; }

  /// The stack, which must be in memory. The object is of no use afterwards.
  Stack take();

  /// A window that lies in the plane, row by row. Calls may run at the same time. Throws Error where a disk does.
  void read(int plane, const PlaneWindow& window, std::span<float> values) const;

  /// Says that the window will be read soon.
  void expect(int plane, const PlaneWindow& window) const;

  /// A whole plane: where it lies, or else read into `storage`.
  std::span<const float> plane(int number, std::vector<float>& storage) const;

  std::size_t plane_pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }

 private:
  void prepare(int plane, const PlaneWindow& window, std::span<float> values) const;

  std::shared_ptr<Stack> stack_;
  std::shared_ptr<const StoredPlanes> stored_;
  std::shared_ptr<const PlaneLevels> levels_;  // null: none
};

/// The planes with these numbers, one after the other.
Stack take_planes(const StackPlanes& planes, std::span<const int> numbers);

}  // namespace n2s
