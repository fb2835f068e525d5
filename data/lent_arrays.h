// Arrays of a calling program that stand for files: while one is lent under a name, open_image() and read_image() read
// it where a file of that name is asked for, and create_image() and write_image() write to it. So whatever works on
// files works on arrays as well, with the same result. (The idea: GDAL's in-memory files.)
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/image_reader.h"
#include "data/image_writer.h"

namespace n2s {

struct LentArray {
  std::byte* data = nullptr;  // the first sample
  SampleType type = SampleType::float32;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;  // bytes, of any sign and order
  std::string axes;                     // names, slowest first; empty: YX or ZYX
  /// Where these are set, `data` is null and the axes end in Y and X: they read or write `count` planes from `first`
  /// on, counted in the order of the axes, as rows x columns without gaps. They may be called from other threads, and
  /// throw Error.
  std::function<void(std::size_t first, std::size_t count, std::span<std::byte> samples)> read{};
  std::function<void(std::size_t first, std::size_t count, std::span<const std::byte> samples)> write{};
};

/// Lends arrays to the calls of this thread while it lives, in place of those lent before.
class LentArrays {
 public:
  /// Throws Error for names of axes that do not fit.
  explicit LentArrays(std::map<std::string, LentArray> arrays);
  ~LentArrays();
  LentArrays(const LentArrays&) = delete;
  LentArrays& operator=(const LentArrays&) = delete;

 private:
  std::map<std::string, LentArray> arrays_;
  const std::map<std::string, LentArray>* before_;
};

/// Null where `path` is not the name of one.
const LentArray* lent_array(const std::filesystem::path& path);

/// What open_image() and create_image() return for these. Samples become floats and are rounded back as in files. The
/// writer throws Error unless the array has the result's shape; its samples are written as they come, so those of an
/// array for which commit() was not called are undefined.
std::unique_ptr<ImageReader> lent_reader(const std::string& name, const LentArray& array, const ReadOptions& options);
std::unique_ptr<ImageWriter> lent_writer(const std::string& name, const LentArray& array, Image header);

}  // namespace n2s
