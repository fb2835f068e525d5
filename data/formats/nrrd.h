// NRRD ("nearly raw raster data"; Teem, 3D Slicer): a text header, with the samples behind it (.nrrd) or in a file
// beside it (.nhdr). Format: https://teem.sourceforge.net/nrrd/format.html
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// The lines of the header, in their order.
struct NrrdHeader final : FormatHeader {
  std::vector<std::pair<std::string, std::string>> fields;  // "field: description", the field in lower case
  std::vector<std::string> pairs;                           // lines "key:=value"
  std::string axes;                                         // names, in the file's order: fastest first
};

bool is_nrrd(const InputFile& file);

/// Encodings raw and gzip, either byte order. Axes are named by ReadOptions::axes, else by the file's kinds and labels
/// (space, time, vectors and colours), else YX or ZYX. Spacing from spacings or the lengths of space directions. Throws
/// Error: see read_image; also for other encodings, lists of files, and samples in another folder.
std::unique_ptr<ImageReader> open_nrrd(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// A single file, raw, with the kept header's fields; those of one axis each for the axes that are left.
std::unique_ptr<ImageWriter> create_nrrd(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
