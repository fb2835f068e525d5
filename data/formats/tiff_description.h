// What the ImageDescription of a TIFF says about its axes: ImageJ's "key=value" lines and OME's XML. Used by tiff.cpp.
// ImageJ: ij/io/TiffDecoder.java, ij/io/FileInfo.java. OME: https://docs.openmicroscopy.org/ome-model (Pixels).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace n2s {

/// Kept from a TIFF file.
struct TiffHeader final : FormatHeader {
  std::string description;    // ImageDescription as found
  bool min_is_white = false;  // photometric interpretation: display only, values are as stored
  std::string info;           // ImageJ's further "key=value" lines that describe the scene (units, display range)
};

struct TiffDescription {
  bool imagej = false;
  std::size_t images = 1;       // planes in the file
  std::vector<Axis> page_axes;  // slowest first; lengths above 1 only; their product is `images`
  std::string unit;             // as Image::unit
  double unit_scale = 1;        // multiply spacings by this to get them in `unit`
  std::optional<double> x, y;   // OME: spacing in `unit`; ImageJ has it in the resolution tags
  std::string info;             // see TiffHeader
};

/// Never throws: a description that makes no sense is one that says nothing.
TiffDescription parse_tiff_description(const std::string& text);

/// ImageJ's description of an image whose axes are a subset of T Z C Y X.
std::string imagej_description(const Image& image);

}  // namespace n2s
