// A folder of images, one file for each plane of a stack, as tomographs, electron microscopes and ImageJ's "Image
// Sequence" write it. Planes come in the order of the numbers in their names: "slice2" before "slice10".
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "data/image_reader.h"

namespace n2s {

/// The image files of a folder, in order; other and hidden files do not count, nor do those below. Empty: none, or no
/// folder. Throws Error: a folder that cannot be read, files of several formats.
std::vector<std::filesystem::path> image_sequence(const std::filesystem::path& folder);

/// Each file has one plane, all of the same shape and sample type (floats where integers have a slope, which may
/// differ); the planes are along Z, or as ReadOptions::axes says. A plane's file is opened when it is read. Throws
/// Error: fewer than two files, files of several planes, and when reading a file that differs from the first.
std::unique_ptr<ImageReader> open_image_sequence(const std::filesystem::path& folder,
                                                 const std::vector<std::filesystem::path>& files,
                                                 const ReadOptions& options);

}  // namespace n2s
