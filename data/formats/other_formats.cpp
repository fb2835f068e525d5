// See other_formats.h. Signatures: each format's specification, and file(1).
#include "data/formats/other_formats.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace n2s {
namespace {

using namespace std::string_view_literals;

struct OtherFormat {
  std::string_view start;  // bytes
  std::uint64_t offset;    // where they stand
  std::string_view what, advice;
};

constexpr auto kBioFormats = "export it as OME-TIFF, with the microscope's software or with bfconvert (Bio-Formats)"sv;
constexpr auto kDicom = "convert the series to NIfTI with dcm2niix"sv;
constexpr auto kPicture = "convert it to PNG or TIFF, for instance with ImageMagick"sv;
constexpr auto kUnpack = "unpack it first"sv;

constexpr std::array<OtherFormat, 19> kOthers{{
    {"ZISRAWFILE"sv, 0, "a Zeiss CZI file"sv, kBioFormats},
    {"\xda\xce\xbe\x0a"sv, 0, "a Nikon ND2 file"sv, kBioFormats},
    {"\0\0\0\x0cjP  \r\n\x87\n"sv, 0, "a JPEG 2000 picture or an old Nikon ND2 file"sv, kBioFormats},
    {"\x70\0\0\0"sv, 0, "a Leica LIF file"sv, kBioFormats},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, 0, "a compound file, such as Olympus OIB or Zeiss ZVI"sv, kBioFormats},
    {"CDF\x01"sv, 0, "a netCDF 3 or MINC 1 file"sv, "convert it with nccopy -4 (netCDF) or mincconvert -2 (MINC)"sv},
    {"CDF\x02"sv, 0, "a netCDF 3 file"sv, "convert it with nccopy -4"sv},
    {"DICM"sv, 128, "a DICOM file"sv, kDicom},
    {"SIMPLE  ="sv, 0, "a FITS file"sv, "convert it to TIFF or NumPy, for instance with astropy"sv},
    {"MATLAB 5.0"sv, 0, "a MATLAB 5 file"sv, "save it with -v7.3, which is HDF5"sv},
    {"\xff\xd8\xff"sv, 0, "a JPEG picture"sv, kPicture},
    {"GIF8"sv, 0, "a GIF picture"sv, kPicture},
    {"BM"sv, 0, "a BMP picture"sv, kPicture},
    {"RIFF"sv, 0, "a WebP picture or an AVI film"sv, kPicture},
    {"PK\x03\x04"sv, 0, "a ZIP archive"sv, kUnpack},
    {"\x1f\x8b"sv, 0, "gzip-compressed, but no NIfTI file"sv, kUnpack},
    {"BZh"sv, 0, "bzip2-compressed"sv, kUnpack},
    {"\xfd"
     "7zXZ\0"sv,
     0, "xz-compressed"sv, kUnpack},
    {"\x28\xb5\x2f\xfd"sv, 0, "zstd-compressed"sv, kUnpack},
}};

}  // namespace

std::string describe_other_format(const InputFile& file) {
  const auto found = std::find_if(kOthers.begin(), kOthers.end(),
                                  [&](const OtherFormat& other) { return file.has(other.start, other.offset); });
  if (found == kOthers.end()) return "";
  std::string text(found->what);
  text += ", which cannot be read: ";
  return text.append(found->advice);
}

}  // namespace n2s
