// Images as they lie on disk, whatever the format: named axes, float32 values, and what is needed to write a result
// that lines up with its input (orientation, spacing, sample type). read_image and write_image serve all
// formats; stack.h picks the planes to work on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace n2s {

/// How samples are stored in a file. Values in memory are always float32: integers beyond 2^24 and doubles are rounded
/// to the nearest float (doubles beyond float's range become infinite).
enum class SampleType { uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64 };

std::size_t sample_bytes(SampleType type);
/// "uint8" ... "float64"
std::string_view sample_type_name(SampleType type);
/// The inverse; nothing for any other text.
std::optional<SampleType> parse_sample_type(std::string_view name);
bool is_integer(SampleType type);

/// One axis. Names: 'X' columns, 'Y' rows, 'Z' slices, 'T' time, 'C' channel. NIfTI's i, j, k are X, Y, Z, its fourth
/// dimension is T and its fifth C.
struct Axis {
  char name = 'X';
  std::size_t length = 1;  // samples
  double spacing = 1;      // X, Y, Z: in Image::unit; T: seconds; C: 1. Always finite and above 0
  bool operator==(const Axis&) const = default;
};

/// What a format keeps of a file's header, so that an output in the same format can carry it on. Each format derives
/// its own in its own header; to all others it is opaque.
class FormatHeader {
 public:
  virtual ~FormatHeader() = default;
};

struct Image {
  std::vector<Axis> axes;     // slowest first, e.g. Z, Y, X; X is last in everything that read_image returns
  std::vector<float> values;  // product of the lengths, in the axes' order; slope and intercept applied
  SampleType type = SampleType::float32;       // as stored in the file read, and as it will be stored when written
  std::string unit;                            // of X, Y, Z spacing: "m", "mm", "micron", "nm", or "" (unknown)
  bool colour = false;                         // the C axis is red, green, blue (and not separate measurements)
  double slope = 1, intercept = 0;             // value = stored * slope + intercept; integers are written the same way
  std::shared_ptr<const FormatHeader> header;  // of the file read; null: nothing was kept
  bool medical = false;                        // read from a format of medical scanners
  bool axes_told = true;                       // their names come from the file or the user, not from convention
};

/// Everything else.
Image without_values(const Image& image);

/// The kept header where it is of the format that has `Header`, else null.
template <class Header>
const Header* kept_header(const Image& image) {
  return dynamic_cast<const Header*>(image.header.get());
}

/// Number of samples that the axes span. Throws Error where that does not fit in memory addresses.
std::size_t sample_count(const std::vector<Axis>& axes);
/// Index into axes, or nothing.
std::optional<std::size_t> find_axis(const std::vector<Axis>& axes, char name);
/// "Z=192 Y=192 X=160", for messages.
std::string describe_axes(const std::vector<Axis>& axes);

/// `image` itself where its axes already follow `order` (names, slowest first; axes may be missing), else a copy in
/// `storage` with the axes and values rearranged. Throws Error where an axis is not in `order` or is there twice.
const Image& arranged(const Image& image, std::string_view order, Image& storage);

struct ReadOptions {
  std::string dataset{};  // HDF5: path of the dataset; empty: the only numeric one with 2 to 5 dimensions
  /// Names of the file's axes, slowest first, such as "CZYX": for formats that do not name them. Empty: the file's own
  /// names; without such, YX or ZYX.
  std::string axes{};
  std::optional<std::size_t> series{};  // TIFF: which of the file's series, from 0
};

/// The axes of an array of this shape, slowest first: named by `requested`, else by `own`, the file's names, else YX or
/// ZYX. Throws Error, which begins with `name`: a request that does not fit the shape, more dimensions than can be
/// known.
std::vector<Axis> named_axes(const std::string& name, const std::vector<std::size_t>& shape,
                             const std::string& requested, const std::string& own = "");

/// `image` with its axes in their order, but Y and X last.
void put_plane_axes_last(Image& image);

/// Reads a whole file in any of the formats of formats/formats.h, recognised by content, not by name. NaN and
/// infinite values are returned as they are. Throws Error: no such file, unknown or damaged content, a file that ends
/// early, a sample type that is not supported, more data than memory.
Image read_image(const std::filesystem::path& path, const ReadOptions& options = {});

struct WriteOptions {
  bool overwrite = false;
  std::optional<SampleType> type;  // instead of image.type; slope and intercept are then not applied
  std::string dataset;             // HDF5: path of the dataset, "data" when empty
  bool big_tiff = false;           // TIFF: BigTIFF also below 4 GB
};

/// Writes in the format that the extension names (formats/formats.h). Integers are rounded to nearest (half away from
/// zero) and clamped to the type's range; NaN becomes 0. Those with a slope or intercept become floats where the format
/// has neither. The old file, if any, stays whole until the new one is completely on disk. Throws Error: what
/// check_output_path does, an extension that is not known, an image that the format cannot hold, a full disk.
void write_image(const std::filesystem::path& path, const Image& image, const WriteOptions& options = {});

/// The sample type in which write_image stores such an image: not always options.type or its own. Throws Error: an
/// extension that is not known.
SampleType written_type(const std::filesystem::path& path, const Image& header, const WriteOptions& options = {});

/// Throws Error where the format that the extension names cannot hold such an image (its values are not looked at);
/// says which formats can. For checks before long work.
void check_image_fits(const std::filesystem::path& path, const Image& header, const WriteOptions& options = {});

/// Throws Error unless write_image knows the extension. For checks before long work; pair it with check_output_path.
void check_image_extension(const std::filesystem::path& path);

}  // namespace n2s
