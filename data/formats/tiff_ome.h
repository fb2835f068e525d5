// The OME-XML of an OME-TIFF: which image, and which plane of it, each directory holds. Used by tiff_series.cpp.
// Source: https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html (TiffData, BinaryOnly, UUID).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/image.h"

namespace n2s {

/// Where a plane lies.
struct OmePlane {
  std::string file;           // its name, without folders; empty: the file that holds the XML
  std::size_t directory = 0;  // counted from 0
};

struct OmeImage {
  std::string name;
  std::vector<Axis> axes;                       // of the planes, slowest first, out of T, Z, C; lengths above 1 only
  std::string unit;                             // as Image::unit
  std::optional<double> x, y;                   // spacing in `unit`
  std::vector<std::optional<OmePlane>> planes;  // in the axes' order; none: no directory is named for it
};

struct OmeDocument {
  std::vector<OmeImage> images;
  std::string metadata_file;  // BinaryOnly: the XML is in this file; there are no images then
};

/// `file` is the name of the file that is being read, `samples` the samples per pixel of its first page. Throws Error,
/// which begins with `file`: XML that is not well-formed, sizes that are impossible.
OmeDocument parse_ome(const std::string& file, const std::string& xml, std::size_t samples);

/// The OME-XML of an image whose pages run C fastest, then Z, then T. What the kept header's XML says about one image
/// (instrument, experiment, annotations) stays; sizes, order and directories are those of `image`. Throws Error for
/// sample types that OME lacks.
std::string ome_description(const Image& image, SampleType type);

/// Whether an ImageDescription is OME-XML.
bool is_ome(const std::string& description);

}  // namespace n2s
