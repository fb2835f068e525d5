// What the ImageDescription of a TIFF says about its axes in ImageJ's "key=value" lines. Used by tiff_series.cpp.
// Source: ImageJ's ij/io/TiffDecoder.java, ij/io/FileInfo.java.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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
  std::string info;             // see TiffHeader
};

/// A unit as microscopy files write it: name as Image::unit, and how many of that one of it is. Unknown: "" and 1.
struct TiffUnit {
  std::string name;
  double scale = 1;
};
TiffUnit tiff_unit(std::string_view text);

/// A finite number other than 0, without its sign.
std::optional<double> parse_tiff_spacing(std::string_view text);

/// Never throws: a description that makes no sense is one that says nothing.
TiffDescription parse_tiff_description(const std::string& text);

/// ImageJ's description of an image whose axes are a subset of T Z C Y X.
std::string imagej_description(const Image& image);

}  // namespace n2s
