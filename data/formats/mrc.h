// MRC (.mrc, .rec, .st, .map), from electron microscopy: a header of 1024 bytes, an extended header, raw samples.
// Format: MRC2014, https://www.ccpem.ac.uk/mrc_format/mrc2014.php (Cheng et al. 2015); signed and unsigned bytes as
// IMOD marks them, https://bio3d.colorado.edu/imod/doc/mrc_format.txt.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/image.h"
#include "data/image_reader.h"
#include "data/image_writer.h"
#include "data/input_file.h"

namespace n2s {

/// Kept so that an output has the same cell, origin, symmetry, labels and extended header.
struct MrcHeader final : FormatHeader {
  std::vector<std::byte> bytes;  // header and extended header, in the file's byte order
  bool swapped = false;          // the file's byte order is not this machine's
};

/// The word MAP in its place; older files have none, and are recognised where sizes, mode and length agree.
bool is_mrc(const InputFile& file);

/// Modes 0 (int8; unsigned where IMOD says so), 1 (int16), 2 (float32), 6 (uint16), 12 (float16), either byte order.
/// Axes Z Y X, or T Z Y X for a stack of volumes (space groups 401 to 630). Spacing in nm; a cell of 0 means unknown.
/// Throws Error: see read_image; also for complex and 4-bit samples and for other orders of axes.
std::unique_ptr<ImageReader> open_mrc(std::shared_ptr<const InputFile> file, const ReadOptions& options);

/// A kept header is written with it, in its byte order; sizes, mode and statistics are those of the samples written.
/// uint8 becomes uint16 (but in a file that IMOD marks as unsigned bytes), other types float32. Throws Error.
std::unique_ptr<ImageWriter> create_mrc(const std::filesystem::path& path, Image header, const WriteOptions& options);

}  // namespace n2s
