// The planes of a stack in the file's own sample type, in memory as far as it may be taken (of several processes, where
// they work together) and else on a disk: for stacks of which only windows are needed at a time, in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "data/distributed_memory.h"
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
  int processes = 1;  // that share what they hold; `free` is the same in each
  /// Takes so many bytes of each of them; called by all in the same order.
  std::function<std::shared_ptr<DistributedMemory>(std::size_t)> distribute{};
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

  /// A whole plane, as an ImageReader gives it; of several processes each writes all planes, and keeps its own. Throws
  /// Error.
  void write(int plane, std::span<const float> values);

  /// All planes are written. With several processes each must call it, before any reads.
  void complete();

  /// The window, which lies in the plane, row by row. The same values as were written. Calls may run at the same time.
  /// Throws Error where the disk does.
  void read(int plane, const PlaneWindow& window, std::span<float> values) const;

  /// Says that the window will be read soon: where it is on disk, the system may fetch it meanwhile.
  void expect(int plane, const PlaneWindow& window) const;

 private:
  std::size_t plane_bytes() const;
  std::size_t place_in_memory(std::size_t plane) const;
  void keep(std::size_t plane, std::span<const std::byte> bytes);
  std::uint64_t place_on_disk(std::size_t plane) const;

  Shape shape_;
  Image header_;                                    // without axes
  std::size_t in_memory_ = 0;                       // planes, the first ones; the others are on disk
  std::vector<std::unique_ptr<std::byte[]>> here_;  // NOLINT(*-avoid-c-arrays): one of them each, with one process
  std::shared_ptr<DistributedMemory> distributed_;  // with several: plane p belongs to rank p modulo count
  std::shared_ptr<ScratchFile> scratch_;
  std::uint64_t scratch_begin_ = 0;
};

}  // namespace n2s
