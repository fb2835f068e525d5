// Fields are addressed by their number in the specification: words of four bytes, from 1.
#include "data/formats/mrc.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "data/atomic_file.h"
#include "data/raw_writer.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kHeaderBytes = 1024;

// Words of the header; x, y and z follow each other.
constexpr std::size_t kSize = 1, kMode = 4, kIntervals = 8, kCell = 11, kAngles = 14, kAxisOrder = 17, kStatistics = 20;
constexpr std::size_t kSpaceGroup = 23, kExtendedBytes = 24, kVersion = 28, kImodStamp = 39, kImodFlags = 40;
constexpr std::size_t kMap = 53, kStamp = 54, kDeviation = 55;

constexpr std::int32_t kImod = 1146047817;  // "IMOD"
constexpr std::size_t kMapOffset = 4 * (kMap - 1);

template <class T>
T get(const MrcHeader& header, std::size_t word) {
  std::array<std::byte, 4> bytes{};
  std::copy_n(header.bytes.begin() + static_cast<std::ptrdiff_t>(4 * (word - 1)), 4, bytes.begin());
  if (header.swapped) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

template <class T>
void put(MrcHeader& header, std::size_t word, T value) {
  static_assert(sizeof(T) == 4);
  auto bytes = std::bit_cast<std::array<std::byte, 4>>(value);
  if (header.swapped) std::reverse(bytes.begin(), bytes.end());
  std::copy(bytes.begin(), bytes.end(), header.bytes.begin() + static_cast<std::ptrdiff_t>(4 * (word - 1)));
}

bool unsigned_bytes(const MrcHeader& header) {
  return get<std::int32_t>(header, kImodStamp) == kImod && (get<std::int32_t>(header, kImodFlags) & 1) == 0;
}

struct Mode {
  std::int32_t number;
  SampleType type;
};
constexpr std::array<Mode, 5> kModes{{{0, SampleType::int8},
                                      {1, SampleType::int16},
                                      {2, SampleType::float32},
                                      {6, SampleType::uint16},
                                      {12, SampleType::float16}}};

std::optional<SampleType> type_of(const MrcHeader& header) {
  const auto mode = get<std::int32_t>(header, kMode);
  if (mode == 0 && unsigned_bytes(header)) return SampleType::uint8;
  for (const Mode& known : kModes)
    if (known.number == mode) return known.type;
  return std::nullopt;
}

/// Bytes that the header asks for, in double since damaged sizes overflow; 0: it makes no sense.
double bytes_of(const MrcHeader& header) {
  const auto type = type_of(header);
  const auto extended = get<std::int32_t>(header, kExtendedBytes);
  if (!type || extended < 0) return 0;
  auto samples = static_cast<double>(sample_bytes(*type));
  for (std::size_t i = 0; i < 3; ++i) samples *= std::max(0, get<std::int32_t>(header, kSize + i));
  return samples == 0 ? 0 : static_cast<double>(kHeaderBytes) + extended + samples;
}

/// The byte order that the machine stamp names, unless only the other one makes sense: stamps are often wrong.
MrcHeader header_of(const InputFile& file) {
  MrcHeader header;
  header.bytes.resize(kHeaderBytes);
  const std::size_t got = file.read_at(0, header.bytes);
  if (got < kHeaderBytes) fail_ends_early(file.name(), got, kHeaderBytes, "header");
  const bool little = header.bytes[4 * (kStamp - 1)] != std::byte{0x11};
  const bool by_stamp = little != (std::endian::native == std::endian::little);
  const auto fits = [&](bool swapped) {
    header.swapped = swapped;
    const double bytes = bytes_of(header);
    return bytes > 0 && bytes <= static_cast<double>(file.size());
  };
  header.swapped = !fits(by_stamp) && fits(!by_stamp) ? !by_stamp : by_stamp;
  return header;
}

void read_extended_header(const InputFile& file, MrcHeader& header) {
  const auto bytes = get<std::int32_t>(header, kExtendedBytes);
  if (bytes < 0)
    throw Error(fmt::format("{}: the header gives {} bytes of extended header; it is damaged", file.name(), bytes));
  const auto size = static_cast<std::size_t>(bytes);
  const std::uint64_t have = file.size() - kHeaderBytes;
  if (have < size) fail_ends_early(file.name(), have, size, "extended header");
  header.bytes.resize(kHeaderBytes + size);
  file.read_at(kHeaderBytes, std::span(header.bytes).subspan(kHeaderBytes));
}

SampleType checked_type(const std::string& name, const MrcHeader& header) {
  if (const auto type = type_of(header)) return *type;
  const auto mode = get<std::int32_t>(header, kMode);
  const char* what = mode == 3 || mode == 4 ? "complex numbers" : mode == 101 ? "4-bit samples" : "unknown samples";
  throw Error(fmt::format("{}: holds {} (mode {}); convert the file to mode 0, 1, 2, 6 or 12", name, what, mode));
}

void check_axis_order(const std::string& name, const MrcHeader& header) {
  std::array<std::int32_t, 3> order{};
  for (std::size_t i = 0; i < 3; ++i) order[i] = get<std::int32_t>(header, kAxisOrder + i);
  const bool left_out = order == std::array<std::int32_t, 3>{0, 0, 0};
  if (left_out || order == std::array<std::int32_t, 3>{1, 2, 3}) return;
  throw Error(
      fmt::format("{}: columns, rows and sections are axes {}, {} and {}; rewrite the file with 1, 2, 3 (x, y, z)",
                  name, order[0], order[1], order[2]));
}

/// Bytes at the end do no harm; as many as a section has are sections that the header does not count.
void check_sections(const InputFile& file, const MrcHeader& header, const Image& image) {
  const std::size_t section =
      image.axes[image.axes.size() - 2].length * image.axes.back().length * sample_bytes(image.type);
  const std::uint64_t known = header.bytes.size() + sample_count(image.axes) * sample_bytes(image.type);
  if (file.size() < known + section) return;
  throw Error(
      fmt::format("{}: its header counts {}, but the file has {} more section(s): the header is wrong; mend it "
                  "(IMOD: alterheader), or cut the file",
                  file.name(), describe_axes(image.axes), (file.size() - known) / section));
}

bool is_volume_stack(const MrcHeader& header) {
  const auto group = get<std::int32_t>(header, kSpaceGroup);
  return group >= 401 && group <= 630;
}

/// nm per sample along x, y or z (0, 1, 2); none where the header does not say.
std::optional<double> spacing_of(const MrcHeader& header, std::size_t axis) {
  const double cell = get<float>(header, kCell + axis);  // angstrom
  const auto intervals = get<std::int32_t>(header, kIntervals + axis);
  if (intervals < 1 || !std::isfinite(cell) || cell <= 0) return std::nullopt;
  return cell / intervals / 10;
}

void set_axes(const std::string& name, const MrcHeader& header, Image& image) {
  std::array<std::size_t, 3> size{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto length = get<std::int32_t>(header, kSize + i);
    if (length < 1) throw Error(fmt::format("{}: the header gives a length of {}; it is damaged", name, length));
    size[i] = static_cast<std::size_t>(length);
  }
  if (is_volume_stack(header)) {
    const auto planes = get<std::int32_t>(header, kIntervals + 2);
    if (planes < 1 || size[2] % static_cast<std::size_t>(planes) != 0)
      throw Error(fmt::format("{}: {} sections are no volumes of {}; it is damaged", name, size[2], planes));
    image.axes.push_back({'T', size[2] / static_cast<std::size_t>(planes), 1});
    size[2] = static_cast<std::size_t>(planes);
  }
  for (std::size_t i = 3; i-- > 0;) image.axes.push_back({"XYZ"[i], size[i], spacing_of(header, i).value_or(1)});
  if (spacing_of(header, 0) && spacing_of(header, 1)) image.unit = "nm";
}

double angstrom_per(const std::string& unit) {
  return unit == "m" ? 1e10 : unit == "mm" ? 1e7 : unit == "micron" ? 1e4 : unit == "nm" ? 10 : 0;
}

MrcHeader new_header() {
  MrcHeader header;
  header.bytes.resize(kHeaderBytes);
  for (std::size_t i = 0; i < 3; ++i) {
    put(header, kAxisOrder + i, static_cast<std::int32_t>(i + 1));
    put(header, kAngles + i, 90.0F);
  }
  put(header, kSpaceGroup, 1);
  put(header, kVersion, 20140);
  return header;
}

/// What every file that is written has, whatever its header was like: old ones lack it.
void mark(MrcHeader& header) {
  for (std::size_t i = 0; i < 3; ++i) put(header, kAxisOrder + i, static_cast<std::int32_t>(i + 1));
  std::memcpy(header.bytes.data() + kMapOffset, "MAP ", 4);
  const bool little = (std::endian::native == std::endian::little) != header.swapped;
  const unsigned char stamp = little ? 0x44 : 0x11;
  const std::array<unsigned char, 4> bytes{stamp, stamp, 0, 0};
  std::memcpy(header.bytes.data() + 4 * (kStamp - 1), bytes.data(), 4);
}

SampleType stored_type(SampleType type, const MrcHeader& header) {
  switch (type) {
    case SampleType::int8:  // a kept header may say that bytes are unsigned
      return unsigned_bytes(header) ? SampleType::int16 : type;
    case SampleType::uint8:
      return unsigned_bytes(header) ? type : SampleType::uint16;
    case SampleType::int16:
    case SampleType::uint16:
    case SampleType::float16:
      return type;
    default:
      return SampleType::float32;
  }
}

std::int32_t mode_of(SampleType type) {
  const auto known = std::find_if(kModes.begin(), kModes.end(), [&](const Mode& mode) { return mode.type == type; });
  return known == kModes.end() ? 0 : known->number;  // uint8, which IMOD's flag tells from int8
}

std::size_t length_of(const Image& image, char name) {
  const auto axis = find_axis(image.axes, name);
  return axis ? image.axes[*axis].length : 1;
}

void set_size(const std::filesystem::path& path, const Image& image, MrcHeader& header) {
  const std::size_t volumes = length_of(image, 'T');
  if (volumes > 1 && !is_volume_stack(header)) put(header, kSpaceGroup, 401);
  if (volumes == 1 && is_volume_stack(header)) put(header, kSpaceGroup, 1);
  const bool image_stack = get<std::int32_t>(header, kSpaceGroup) == 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t length = length_of(image, "XYZ"[i]);
    const std::size_t size = i == 2 ? length * volumes : length;
    if (size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
      throw Error(fmt::format("{}: {} is too long an axis for MRC; write .nii.gz or .h5", path.string(), size));
    const auto intervals = image_stack && i == 2 ? 1 : static_cast<std::int32_t>(length);
    const auto axis = find_axis(image.axes, "XYZ"[i]);
    const double spacing = axis ? image.axes[*axis].spacing * angstrom_per(image.unit) / 10 : 0;  // nm
    const std::optional<double> kept = spacing_of(header, i);
    // A cell that still holds is kept to the last bit.
    const bool same_cell =
        get<std::int32_t>(header, kIntervals + i) == intervals && kept && std::abs(*kept - spacing) <= 1e-6 * spacing;
    put(header, kSize + i, static_cast<std::int32_t>(size));
    put(header, kIntervals + i, intervals);
    if (!same_cell) put(header, kCell + i, static_cast<float>(10 * spacing * intervals));
  }
}

/// Of the values as they are stored. A value that is not finite leaves them undetermined, as the format marks it.
class Statistics {
 public:
  void add(std::span<const float> values) {
    if (count_ == 0) near_mean_ = values.front();
    for (const float value : values) {
      const double difference = double{value} - near_mean_;
      low_ = std::min(low_, double{value});
      high_ = std::max(high_, double{value});
      sum_ += difference;
      squares_ += difference * difference;
    }
    count_ += static_cast<double>(values.size());
  }

  void store(MrcHeader& header) const {
    const double mean = sum_ / count_;
    const bool known = std::isfinite(squares_);
    const auto deviation = static_cast<float>(std::sqrt(std::max(0.0, squares_ / count_ - mean * mean)));
    put(header, kStatistics, known ? static_cast<float>(low_) : 0.0F);
    put(header, kStatistics + 1, known ? static_cast<float>(high_) : -1.0F);
    put(header, kStatistics + 2, known ? static_cast<float>(near_mean_ + mean) : -2.0F);
    put(header, kDeviation, known ? deviation : -1.0F);
  }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0;
  double near_mean_ = 0;  // subtracted, so that the squares do not cancel
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

class MrcWriter final : public RawWriter {
 public:
  MrcWriter(const std::filesystem::path& path, Image header, const WriteOptions& options, MrcHeader mrc,
            SampleType type)
      : RawWriter(path, std::move(header), "CTZYX", options, type, mrc.swapped), header_(std::move(mrc)) {
    put(header_, kMode, mode_of(type));
    set_size(path, image(), header_);
    mark(header_);
    set_offset(header_.bytes.size());
  }

  void commit() override {
    statistics_.store(header_);
    write_at(0, header_.bytes);
    RawWriter::commit();
  }

 private:
  void write_stored(std::size_t number, std::span<const float> plane) override {
    RawWriter::write_stored(number, plane);
    found_.resize(plane.size());
    decode_samples(stored_plane(), type(), swapped(), {}, found_);
    statistics_.add(found_);
  }

  MrcHeader header_;
  Statistics statistics_;
  std::vector<float> found_;
};

}  // namespace

bool is_mrc(const InputFile& file) {
  if (file.has("MAP", kMapOffset)) return true;
  return file.size() > kHeaderBytes && bytes_of(header_of(file)) == static_cast<double>(file.size());
}

std::unique_ptr<ImageReader> open_mrc(std::shared_ptr<const InputFile> file, const ReadOptions&) {
  auto header = std::make_shared<MrcHeader>(header_of(*file));
  Image image;
  image.type = checked_type(file->name(), *header);
  check_axis_order(file->name(), *header);
  set_axes(file->name(), *header, image);
  read_extended_header(*file, *header);
  image.header = header;
  const RawSamples samples{header->bytes.size(), header->swapped};
  std::unique_ptr<ImageReader> reader = raw_reader(file, std::move(image), samples);
  check_sections(*file, *header, reader->image());
  return reader;
}

std::unique_ptr<ImageWriter> create_mrc(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  const auto* kept = kept_header<MrcHeader>(header);
  MrcHeader mrc = kept != nullptr ? *kept : new_header();
  const SampleType type = stored_type(options.type.value_or(header.type), mrc);
  return std::make_unique<MrcWriter>(path, std::move(header), options, std::move(mrc), type);
}

}  // namespace n2s
