// Zarr folders of versions 2 and 3: OME-Zarr 0.1 to 0.5 and plain arrays are read, OME-Zarr 0.4 is written, which most
// programs read. Chunks may be raw or compressed with blosc, zstd, gzip or zlib, in shards or not.
#pragma once

#include <filesystem>
#include <memory>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// The metadata file that an InputFile opens for a Zarr folder.
bool is_zarr(const InputFile& file);

/// Throws Error: see read_image.
std::unique_ptr<ImageReader> open_zarr(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// A folder, of one resolution level, in chunks of one plane, 1024x1024 pixels at most, compressed with blosc and zstd.
std::unique_ptr<ImageWriter> create_zarr(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
