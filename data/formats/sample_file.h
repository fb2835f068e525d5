// Samples behind a text header or in a file beside it, plain or deflated: what NRRD and MetaImage share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/image_reader.h"
#include "data/input_file.h"

namespace n2s {

struct SampleFile {
  std::shared_ptr<const InputFile> file;
  std::uint64_t offset = 0;  // of the samples, or of the deflated data: bytes
  bool deflated = false;     // with gzip's or zlib's header
  std::uint64_t skip = 0;    // bytes of deflated data before the samples, once inflated
  bool swapped = false;      // byte order: not this machine's
};

/// The file `name` beside `header`, or in a folder there. Throws Error for a name that leads elsewhere: a file from
/// somebody must not make this program read others.
std::shared_ptr<const InputFile> open_beside(const InputFile& header, const std::string& name);

/// Reads samples in the order of `header`'s axes; those need not end in YX, the reader's do. Throws Error.
std::unique_ptr<ImageReader> sample_reader(const SampleFile& samples, Image header);

}  // namespace n2s
