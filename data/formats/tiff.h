// TIFF and BigTIFF: multi-page, strips and tiles, every compression that libtiff has, ImageJ's hyperstacks and the axes
// of OME-TIFF. Formats: TIFF 6.0 (Adobe, 1992); BigTIFF (libtiff); ImageJ's TiffDecoder and TiffEncoder.
#pragma once

#include <filesystem>
#include <memory>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// Classic or BigTIFF, in either byte order.
bool is_tiff(const InputFile& file);

/// Samples of 8, 16, 32 or 64 bits. Axes [T] [Z] [C] Y X, those longer than 1; pages of a file that says nothing about
/// its axes run along Z. Samples per pixel become C. Palettes are not applied: values are as stored (ImageJ stores its
/// display colours there). Spacing: from ImageJ's or OME's description, or in centimetres; inches are taken as a
/// printing hint and ignored.
/// Throws Error: see read_image; also for pages of different sizes and for 1-, 4-, 12-bit and complex samples.
std::unique_ptr<ImageReader> open_tiff(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// An ImageJ hyperstack: little-endian, not compressed, planes contiguous (ImageJ relies on it, and opens such files
/// without reading them whole); BigTIFF above 4 GB. Pages run C fastest, then Z, then T.
std::unique_ptr<ImageWriter> create_tiff(const std::filesystem::path& path, Image header, const WriteOptions& options);

/// The same with OME-XML (tiff_ome.h) instead of ImageJ's description.
std::unique_ptr<ImageWriter> create_ome_tiff(const std::filesystem::path& path, Image header,
                                             const WriteOptions& options);

}  // namespace n2s
