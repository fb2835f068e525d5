// NIfTI-1 and NIfTI-2 in a single file (.nii, .nii.gz), both byte orders, every integer and float type.
// Format: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h.
#pragma once

#include <filesystem>
#include <memory>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// gzip, or the size of a NIfTI-1 or NIfTI-2 header in either byte order.
bool is_nifti(const InputFile& file);

/// Axes are those of the file, reversed: [C] [T] [Z] Y X. The whole header and its extensions are kept.
/// A slope that is 0, NaN or infinite means none, as the format has it.
/// Throws Error: see read_image; also for .hdr/.img pairs, complex, RGB and 128-bit samples.
std::unique_ptr<ImageReader> open_nifti(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// An image with a kept header is written with it (same version and byte order); a new header has spacing and unit but
/// no orientation. Integers keep the image's slope and intercept, floats are written without.
std::unique_ptr<ImageWriter> create_nifti(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
