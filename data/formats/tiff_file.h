// A TIFF file with all of its directories, so that planes can be read in any order. Used by tiff.cpp and
// tiff_series.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/formats/tiff_page.h"
#include "data/formats/tiff_source.h"
#include "data/image.h"
#include "data/input_file.h"

namespace n2s {

struct TiffDirectory {
  std::uint64_t offset = 0;  // in the file: bytes
  TiffPage page;
  bool reduced = false;     // a thumbnail or the lower level of a pyramid, not a plane
  std::string description;  // the first one's, and those in which tifffile tells a shape
};

/// Whether it is tifffile's JSON.
bool tells_shape(const std::string& description);

class TiffFile {
 public:
  /// Checks every directory against the file's size. Throws Error.
  explicit TiffFile(const InputFile& file);
  explicit TiffFile(std::unique_ptr<InputFile> file);

  const InputFile& input() const { return *input_; }
  const std::string& name() const { return input_->name(); }
  const std::vector<TiffDirectory>& directories() const { return directories_; }
  /// A tag of the current directory, which is the first one after construction.
  TIFF* handle() const { return source_.get(); }
  std::string text_tag(std::uint32_t tag) const;

  /// Decodes into samples x height x width values. Throws Error.
  void decode(std::size_t directory, SampleType type, std::span<float> values) const;

  /// Where the samples of planes begin that follow one another without directories of their own: bytes. Throws Error,
  /// which names `what`, unless the first directory is uncompressed, of one sample, and in one piece, and the file has
  /// `planes` of its size.
  std::uint64_t contiguous_start(std::size_t planes, const char* what) const;
  void decode_contiguous(std::uint64_t start, std::size_t plane, SampleType type, std::span<float> values) const;

 private:
  std::unique_ptr<InputFile> owned_;  // none: the caller's
  const InputFile* input_;
  TiffSource source_;
  std::vector<TiffDirectory> directories_;
};

}  // namespace n2s
