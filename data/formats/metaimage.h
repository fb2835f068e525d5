// MetaImage (ITK): a text header, with the samples behind it (.mha) or in a file beside it (.mhd and .raw or .zraw).
// Format: https://itk.org/Wiki/ITK/MetaIO/Documentation
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

/// The lines "Key = value" of the header, in their order.
struct MetaImageHeader final : FormatHeader {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string axes;  // names, in the file's order: fastest first, without channels
};

/// By the keys NDims and DimSize in the header.
bool is_metaimage(const InputFile& file);

/// Binary samples, plain or compressed, either byte order. Axes YX or ZYX; of four dimensions ReadOptions::axes says
/// what they are; ElementNumberOfChannels becomes C. Spacing in mm. Throws Error: see read_image; also for text
/// samples, lists of files, and samples in another folder.
std::unique_ptr<ImageReader> open_metaimage(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// A single file (.mha), not compressed, with the kept header's lines where they still hold.
std::unique_ptr<ImageWriter> create_metaimage(const std::filesystem::path& path, Image header,
                                              const WriteOptions& options);

}  // namespace n2s
