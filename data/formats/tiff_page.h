// One page (directory) of a TIFF: its shape, and its strips or tiles as values. Used by tiff.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/formats/tiff_source.h"
#include "data/image.h"
#include "data/input_file.h"

namespace n2s {

struct TiffPage {
  std::uint32_t width = 0, height = 0;  // pixels
  std::uint16_t samples = 1;            // per pixel
  std::uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
  std::uint16_t planar = PLANARCONFIG_CONTIG, photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE;
  bool operator==(const TiffPage& other) const {
    return width == other.width && height == other.height && samples == other.samples && bits == other.bits &&
           format == other.format;
  }
};

/// The current directory's page. Throws Error where it has no size or holds YCbCr colours that libtiff cannot convert.
TiffPage read_tiff_page(const TiffSource& source, const InputFile& file);

/// Throws Error, naming the file, for types that are not supported.
SampleType tiff_type(const std::string& name, const TiffPage& page);

/// Bytes of the page's samples when decoded. Throws Error where they are beyond any page.
std::uint64_t tiff_page_bytes(const std::string& name, const TiffPage& page);

/// What the current directory's strips or tiles occupy, as far as it lies in the file: bytes. Throws Error.
std::uint64_t tiff_stored_bytes(const TiffSource& source, const InputFile& file);

/// Decodes the current directory into samples x height x width values. Throws Error.
void decode_tiff_page(const TiffSource& source, const InputFile& file, const TiffPage& page, SampleType type,
                      std::span<float> page_values);

}  // namespace n2s
