// HDF5 through its C library: any dataset of integers or floats, chunked and compressed ones included.
// A cut file is an Error; a file with changed bytes can still crash the library itself (1.10.8: about one in a
// thousand). The library (Debian's serial build) is not thread-safe: files are opened by one thread at a time, and
// planes are read by one at a time. Reference: https://docs.hdfgroup.org/hdf5/v1_10.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// Of the library: "1.10.8".
std::string hdf5_version();

struct Hdf5Dataset {
  std::string path;                // "/group/name"
  std::vector<std::size_t> shape;  // slowest first
  SampleType type = SampleType::float32;
};

/// All datasets of integers or floats in a file, by path, whatever their number of dimensions. Throws Error.
std::vector<Hdf5Dataset> list_hdf5(const std::filesystem::path& path);

/// The signature may follow a user block of 512, 1024, ... bytes.
bool is_hdf5(const InputFile& file);

/// Axes: named by ReadOptions::axes, else by the file (hdf5_axes.h), else YX or ZYX; four or five dimensions without
/// names are refused. Spacing from the attribute element_size_um (Z, Y, X; ImageJ's
/// and ilastik's convention). With no dataset chosen the file has to hold exactly one with 2 to 5 dimensions. Throws
/// Error: see read_image; the message lists the datasets there are.
std::unique_ptr<ImageReader> open_hdf5(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// A new file with one dataset: chunks of one plane, deflate level 1, names of the axes, element_size_um where the unit
/// is known. The file is put together in memory (one more copy of the data) before it is written.
std::unique_ptr<ImageWriter> create_hdf5(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
