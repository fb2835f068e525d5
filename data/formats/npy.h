// NumPy arrays (.npy, versions 1 to 3): one array of numbers, as numpy.save() writes it.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
#pragma once

#include <filesystem>
#include <memory>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

bool is_npy(const InputFile& file);

/// bool (as uint8), integers of 8 to 64 bits, float16, float32 and float64, in either byte order, C or Fortran order.
/// Two dimensions are one plane, three are planes, rows, columns. Throws Error: see read_image; also for other numbers
/// of dimensions and for complex, text, structured and object arrays.
std::unique_ptr<ImageReader> open_npy(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// Version 1, C order, the byte order of the array read. Throws Error for more than one axis besides rows and columns.
std::unique_ptr<ImageWriter> create_npy(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
