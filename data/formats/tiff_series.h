// Which planes of a TIFF belong together, and in which order: from ImageJ's, OME's, tifffile's and ScanImage's
// descriptions and from the tags of MetaMorph (STK) and Zeiss (LSM). Used by tiff.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/formats/tiff_file.h"
#include "data/image.h"

namespace n2s {

struct TiffPlane {
  std::size_t file = 0;       // position in TiffContent::files
  std::size_t directory = 0;  // of that file; of contiguous planes: the number of the plane
};

struct TiffSeries {
  std::string name;        // for the user; may be empty
  std::vector<Axis> axes;  // of the planes, slowest first; lengths above 1 only, but for shapes that tifffile tells
  std::vector<TiffPlane> planes;  // one for each position along the axes
  bool contiguous = false;        // planes follow one another from the first directory's samples on
  std::string unit;               // as Image::unit
  std::optional<double> x, y;     // spacing in `unit`; none: see the resolution tags
};

struct TiffContent {
  std::vector<TiffSeries> series;
  std::vector<std::string> files;  // names, in the folder of the file that is read; the first is that file itself
  bool names_axes = false;         // the file says what its axes are
};

/// The directories that are no thumbnails.
std::vector<TiffPlane> full_planes(const TiffFile& file);

/// `axes`: ReadOptions::axes, for files that do not say what their axes are. Throws Error where the order of planes
/// cannot be known.
TiffContent find_series(const TiffFile& file, const std::string& axes);

}  // namespace n2s
