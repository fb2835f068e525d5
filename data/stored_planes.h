// The planes of a stack in the file's own sample type, in memory as far as it may be taken and else on a disk: for
// stacks of which only windows are needed at a time, in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "data/image.h"
#include "data/scratch_file.h"
#include "kernels/base/plane_window.h"

namespace n2s {

/// Where voxels may be kept. Several stacks share one.
struct VoxelMemory {
  std::size_t free = 0;          // bytes of memory that may be taken
  std::filesystem::path folder;  // for what does not fit
  std::uint64_t on_disk = 0;     // bytes that did not
  std::shared_ptr<ScratchFile> scratch{};
};

class StoredPlanes {
 public:
  struct Shape {
    int planes = 0, height = 0, width = 0;
  };

  /// Takes what `memory` has free, and room on the disk for the rest. Throws Error.
  StoredPlanes(const Shape& shape, const Image& header, VoxelMemory& memory);

  const Shape& shape() const { return shape_; }
  /// Type, slope and intercept; integers of more than two bytes and doubles are kept as floats.
  const Image& header() const { return header_; }

  /// A whole plane, as an ImageReader gives it. Throws Error.
  void write(int plane, std::span<const float> values);

  /// The window, which lies in the plane, row by row. The same values as were written. Calls may run at the same time.
  /// Throws Error where the disk does.
  void read(int plane, const PlaneWindow& window, std::span<float> values) const;

  /// Says that the window will be read soon: where it is on disk, the system may fetch it meanwhile.
  void expect(int plane, const PlaneWindow& window) const;

 private:
  std::size_t plane_bytes() const;
  std::uint64_t place_on_disk(std::size_t plane) const;

  Shape shape_;
  Image header_;                                         // without axes
  std::vector<std::unique_ptr<std::byte[]>> in_memory_;  // NOLINT(*-avoid-c-arrays): of the first planes
  std::shared_ptr<ScratchFile> scratch_;                 // of the others
  std::uint64_t scratch_begin_ = 0;
};

}  // namespace n2s
