// Tags of microscope makers that libtiff does not know, read directly from the first directory.
// Format: TIFF 6.0, section 2; BigTIFF: https://libtiff.gitlab.io/libtiff/specification/bigtiff.html
#pragma once

#include <cstdint>
#include <optional>

#include "data/input_file.h"

namespace n2s {

/// Numbers of a TIFF file, in its byte order. Throws Error where the file ends before them.
class TiffBytes {
 public:
  explicit TiffBytes(const InputFile& file);
  std::uint64_t unsigned_at(std::uint64_t offset, std::size_t bytes) const;
  double double_at(std::uint64_t offset) const;
  bool is_big() const { return big_; }
  const InputFile& file() const { return *file_; }

 private:
  const InputFile* file_;
  bool swapped_ = false, big_ = false;
};

struct RawTag {
  std::uint64_t count = 0;   // values
  std::uint64_t offset = 0;  // of the first value in the file: bytes
};

/// Of the first directory; nothing where it has no such tag.
std::optional<RawTag> find_raw_tag(const TiffBytes& bytes, std::uint16_t tag);

}  // namespace n2s
