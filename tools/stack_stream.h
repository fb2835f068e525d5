// Files that are too large to be held in memory: their stacks, read a few planes at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "data/image_reader.h"
#include "data/image_writer.h"
#include "engine/runtime/ranks.h"
#include "tools/loaded_file.h"

namespace n2s {

struct OpenFile : FileStacks {
  InputOptions options;  // it was opened with
  std::unique_ptr<ImageReader> reader;
};

/// Reads the header alone. Throws Error as load_noisy_file() does.
OpenFile open_file(const std::string& path, const InputOptions& input);

/// Whether the file's voxels are more than a small part of any machine's memory, and can be read plane by plane.
bool is_large(const OpenFile& file);

/// Whether so many voxels are, whatever the order of their axes; of all stacks of a file.
bool is_large(double voxels);
double voxels_of(const FileStacks& file);

/// Planes that are read at once where each is worked on alone.
int planes_at_once(std::size_t plane_pixels);

/// Reads `count` planes of a stack from `first` on. Throws Error, also for planes without a finite voxel.
Stack read_planes(const OpenFile& file, std::size_t stack, int first, int count);

/// The same, whatever the values are.
Stack read_any_planes(const OpenFile& file, std::size_t stack, int first, int count);

/// Calls work(stack, first plane, planes) for all planes of all stacks, in their order, while the next ones are being
/// read. Throws Error where the user interrupts it (InterruptGuard is the caller's).
/// Of several ranks each does its share of the parts, which follow one another.
void for_each_part(const OpenFile& file, const std::function<void(std::size_t stack, int first, Stack& planes)>& work,
                   const Ranks* ranks = nullptr);

/// Writes results while the next ones are computed.
class BackgroundWriter {
 public:
  /// Both must live as long as the object. `writer` has the axes of the file's result.
  BackgroundWriter(const OpenFile& file, ImageWriter& writer) : file_(&file), writer_(&writer) {}
  /// Whole planes of a stack from `first` on. Throws the Error of the planes before.
  void write(std::size_t stack, int first, std::vector<float> planes);
  /// Waits for the last planes. Throws their Error.
  void finish();

 private:
  const OpenFile* file_;
  ImageWriter* writer_;
  std::future<void> written_;
};

/// Whether the planes of all stacks, one after the other, come in the order that the writer needs.
bool comes_in_order(const OpenFile& file, const ImageWriter& writer);

/// Pairs of neighbouring planes, as stack_traits.h has them; fewer where planes are large.
Stack sample_pairs(const OpenFile& file, std::size_t stack);

}  // namespace n2s
