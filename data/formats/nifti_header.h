// The fields of a NIfTI header that matter here, out of and into its bytes. Used by nifti.cpp and nifti_write.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"
#include "data/samples.h"

namespace n2s {

/// Kept so that an output has the same orientation, units, description and extensions.
struct NiftiHeader final : FormatHeader {
  std::vector<unsigned char> bytes;  // everything before the voxels, as in the file (its byte order)
  bool swapped = false;              // the file's byte order is not this machine's
};

struct NiftiFields {
  int version = 1;                    // 1 or 2
  std::array<std::int64_t, 8> dim{};  // [0] is the number of dimensions
  std::array<double, 8> pixdim{};
  int datatype = 0;
  int bitpix = 0;               // bits of a sample; written only, the type says it already
  std::int64_t vox_offset = 0;  // bytes from the file's start to the first voxel
  double slope = 0, intercept = 0;
  int units = 0;  // xyzt_units: space in bits 0-2, time in bits 3-5
};

/// NIfTI's dimensions 5 to 1, slowest first as in Image::axes.
inline constexpr std::string_view kNiftiAxisOrder = "CTZYX";

/// The sample type of a datatype code; throws Error naming the file for complex, RGB and the like. And the inverse.
SampleType nifti_type(const std::string& name, int code);
int nifti_code(SampleType type);

/// Of the time axis, by xyzt_units.
double seconds_per_unit(int units);
/// A spacing that axes can have: the size without the sign, 1 where there is none.
double usable_spacing(double pixdim);
/// Slope and intercept; none where the slope is 0, NaN or infinite.
Scaling nifti_scaling(const NiftiFields& fields);

/// 348 or 540 as found in the first four bytes, 0 where they are neither; sets `swapped`.
std::size_t nifti_header_size(std::span<const unsigned char> start, bool& swapped);

/// Checks the magic; throws Error naming the file where this is not a single-file NIfTI.
NiftiFields parse_nifti_header(const std::string& name, const NiftiHeader& header);

/// Where the voxel axes X, Y and Z point, as the header's sform says, or else its qform: "RAS" for right, anterior and
/// superior, "LPS" for the opposite of the first two. Empty: it does not say, or an axis lies between two directions.
std::string voxel_directions(const NiftiHeader& header);

/// Puts the fields into the header's bytes (sizes, type, spacing, slope, offset); all else stays.
void update_nifti_header(NiftiHeader& header, const NiftiFields& fields);

/// An empty header of `version` without orientation, in this machine's byte order.
NiftiHeader new_nifti_header(int version);

}  // namespace n2s
