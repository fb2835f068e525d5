// See nifti_header.h. Offsets are those of struct nifti_1_header and nifti_2_header.
#include "data/formats/nifti_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/base/error.h"

namespace n2s {
namespace {

struct Offsets {
  std::size_t dim, pixdim, datatype, bitpix, vox_offset, slope, intercept, units, magic;
};
constexpr Offsets kNifti1 = {40, 76, 70, 72, 108, 112, 116, 123, 344};
constexpr Offsets kNifti2 = {16, 104, 12, 14, 168, 176, 184, 500, 4};

template <class T>
T get(const NiftiHeader& header, std::size_t offset) {
  std::array<unsigned char, sizeof(T)> bytes{};
  std::copy_n(header.bytes.begin() + static_cast<std::ptrdiff_t>(offset), sizeof(T), bytes.begin());
  if (header.swapped) std::reverse(bytes.begin(), bytes.end());
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <class T>
void put(NiftiHeader& header, std::size_t offset, T value) {
  std::array<unsigned char, sizeof(T)> bytes{};
  std::memcpy(bytes.data(), &value, sizeof(T));
  if (header.swapped) std::reverse(bytes.begin(), bytes.end());
  std::copy(bytes.begin(), bytes.end(), header.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

struct TypeCode {
  int code;
  SampleType type;
};
constexpr std::array<TypeCode, 10> kTypeCodes = {{{2, SampleType::uint8},
                                                  {4, SampleType::int16},
                                                  {8, SampleType::int32},
                                                  {16, SampleType::float32},
                                                  {64, SampleType::float64},
                                                  {256, SampleType::int8},
                                                  {512, SampleType::uint16},
                                                  {768, SampleType::uint32},
                                                  {1024, SampleType::int64},
                                                  {1280, SampleType::uint64}}};

/// Columns are the voxel axes' steps, in space.
using Directions = std::array<std::array<double, 3>, 3>;

struct OrientationOffsets {
  std::size_t qform_code, sform_code, quaternion, rows;
};
constexpr OrientationOffsets kOrientation1 = {252, 254, 256, 280};
constexpr OrientationOffsets kOrientation2 = {344, 348, 352, 400};

/// nifti1.h, "QUATERNION REPRESENTATION OF ROTATION MATRIX"; qfac turns the third axis round.
Directions rotation_of(double b, double c, double d, double qfac) {
  const double a = std::sqrt(std::max(0.0, 1 - b * b - c * c - d * d));
  const double k = qfac < 0 ? -1 : 1;
  return {{{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * k * (b * d + a * c)},
           {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * k * (c * d - a * b)},
           {2 * (b * d - a * c), 2 * (c * d + a * b), k * (a * a + d * d - c * c - b * b)}}};
}

std::int64_t offset_from_float(float value) {
  return std::isfinite(value) && std::abs(value) < 1e15F ? static_cast<std::int64_t>(value) : -1;
}

}  // namespace

SampleType nifti_type(const std::string& name, int code) {
  for (const TypeCode& entry : kTypeCodes)
    if (entry.code == code) return entry.type;
  const char* what = code == 32 || code == 1792 || code == 2048 ? "complex"
                     : code == 128 || code == 2304              ? "RGB"
                     : code == 1536                             ? "128-bit float"
                     : code == 1                                ? "1-bit"
                                                                : "unknown";
  throw Error(
      fmt::format("{}: holds {} samples (NIfTI type {}); convert it to an integer or float type", name, what, code));
}

int nifti_code(SampleType type) {
  return std::find_if(kTypeCodes.begin(), kTypeCodes.end(), [&](const TypeCode& e) { return e.type == type; })->code;
}

double seconds_per_unit(int units) {
  const int time = units & 0x38;
  return time == 16 ? 1e-3 : time == 24 ? 1e-6 : 1;
}

double usable_spacing(double pixdim) {
  const double spacing = std::abs(pixdim);
  return std::isfinite(spacing) && spacing > 0 ? spacing : 1;
}

Scaling nifti_scaling(const NiftiFields& fields) {
  if (!std::isfinite(fields.slope) || fields.slope == 0) return {};
  return {fields.slope, std::isfinite(fields.intercept) ? fields.intercept : 0};
}

std::size_t nifti_header_size(std::span<const unsigned char> start, bool& swapped) {
  const std::uint32_t little =
      start[0] | std::uint32_t{start[1]} << 8 | std::uint32_t{start[2]} << 16 | std::uint32_t{start[3]} << 24;
  const std::uint32_t big =
      start[3] | std::uint32_t{start[2]} << 8 | std::uint32_t{start[1]} << 16 | std::uint32_t{start[0]} << 24;
  std::uint32_t native = 0;
  std::memcpy(&native, start.data(), sizeof(native));
  const auto known = [](std::uint32_t size) { return size == 348 || size == 540; };
  if (!known(little) && !known(big)) return 0;
  swapped = !known(native);
  return known(little) ? little : big;
}

NiftiFields parse_nifti_header(const std::string& name, const NiftiHeader& header) {
  const bool second = header.bytes.size() >= 540 && get<std::int32_t>(header, 0) == 540;
  const Offsets at = second ? kNifti2 : kNifti1;
  const std::string magic(header.bytes.begin() + static_cast<std::ptrdiff_t>(at.magic),
                          header.bytes.begin() + static_cast<std::ptrdiff_t>(at.magic) + 3);
  if (magic == "ni1" || magic == "ni2")
    throw Error(fmt::format("{}: one half of a .hdr/.img pair; convert it to a single .nii file", name));
  if (magic != (second ? "n+2" : "n+1"))
    throw Error(
        fmt::format("{}: not a NIfTI file (its header lacks the NIfTI mark; perhaps Analyze 7.5); convert it "
                    "to .nii",
                    name));
  NiftiFields fields;
  fields.version = second ? 2 : 1;
  fields.datatype = get<std::int16_t>(header, at.datatype);
  for (std::size_t i = 0; i < 8; ++i) {
    fields.dim[i] = second ? get<std::int64_t>(header, at.dim + 8 * i) : get<std::int16_t>(header, at.dim + 2 * i);
    fields.pixdim[i] = second ? get<double>(header, at.pixdim + 8 * i) : get<float>(header, at.pixdim + 4 * i);
  }
  fields.vox_offset =
      second ? get<std::int64_t>(header, at.vox_offset) : offset_from_float(get<float>(header, at.vox_offset));
  fields.slope = second ? get<double>(header, at.slope) : get<float>(header, at.slope);
  fields.intercept = second ? get<double>(header, at.intercept) : get<float>(header, at.intercept);
  fields.units = second ? get<std::int32_t>(header, at.units) : header.bytes[at.units];
  return fields;
}

std::string voxel_directions(const NiftiHeader& header) {
  const bool second = header.bytes.size() >= 540 && get<std::int32_t>(header, 0) == 540;
  const OrientationOffsets at = second ? kOrientation2 : kOrientation1;
  const auto code = [&](std::size_t offset) {
    return second ? get<std::int32_t>(header, offset) : get<std::int16_t>(header, offset);
  };
  const auto real = [&](std::size_t offset, std::size_t number) {
    return second ? get<double>(header, offset + 8 * number) : get<float>(header, offset + 4 * number);
  };
  Directions directions{};
  if (code(at.sform_code) > 0) {
    for (std::size_t row = 0; row < 3; ++row)
      for (std::size_t axis = 0; axis < 3; ++axis) directions[row][axis] = real(at.rows, 4 * row + axis);
  } else if (code(at.qform_code) > 0) {
    directions = rotation_of(real(at.quaternion, 0), real(at.quaternion, 1), real(at.quaternion, 2),
                             real(second ? kNifti2.pixdim : kNifti1.pixdim, 0));
  }
  std::string letters;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    constexpr double kClearly = 1.2;  // times the next direction
    std::array<std::size_t, 3> rows = {0, 1, 2};
    const auto size = [&](std::size_t row) { return std::abs(directions[row][axis]); };
    std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
    if (!(size(rows[0]) > kClearly * size(rows[1]))) return "";
    letters += directions[rows[0]][axis] > 0 ? "RAS"[rows[0]] : "LPI"[rows[0]];
  }
  return letters;
}

void update_nifti_header(NiftiHeader& header, const NiftiFields& fields) {
  const bool second = fields.version == 2;
  const Offsets at = second ? kNifti2 : kNifti1;
  const auto put_real = [&](std::size_t offset, double value) {
    if (second) {
      put(header, offset, value);
    } else {
      put(header, offset, static_cast<float>(value));
    }
  };
  for (std::size_t i = 0; i < 8; ++i) {
    if (second) {
      put(header, at.dim + 8 * i, fields.dim[i]);
    } else {
      put(header, at.dim + 2 * i, static_cast<std::int16_t>(fields.dim[i]));
    }
    put_real(at.pixdim + (second ? 8 : 4) * i, fields.pixdim[i]);
  }
  put_real(at.slope, fields.slope);
  put_real(at.intercept, fields.intercept);
  if (second) {
    put(header, at.vox_offset, fields.vox_offset);
    put(header, at.units, static_cast<std::int32_t>(fields.units));
  } else {
    put(header, at.vox_offset, static_cast<float>(fields.vox_offset));
    header.bytes[at.units] = static_cast<unsigned char>(fields.units);
  }
  put(header, at.datatype, static_cast<std::int16_t>(fields.datatype));
  put(header, at.bitpix, static_cast<std::int16_t>(fields.bitpix));
}

NiftiHeader new_nifti_header(int version) {
  const bool second = version == 2;
  const std::string magic = second ? std::string("n+2\0\r\n\x1a\n", 8) : std::string("n+1\0", 4);
  NiftiHeader header;
  header.bytes.assign(second ? 544 : 352, 0);  // the header and four zero bytes: no extensions
  put(header, 0, std::int32_t{second ? 540 : 348});
  std::copy(magic.begin(), magic.end(),
            header.bytes.begin() + static_cast<std::ptrdiff_t>(second ? kNifti2.magic : kNifti1.magic));
  return header;
}

}  // namespace n2s
