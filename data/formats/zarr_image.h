// Which array of a Zarr folder is the image, and what its dimensions are: OME-Zarr 0.1 to 0.5
// (ngff.openmicroscopy.org), bioformats2raw's series, or a plain array.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace n2s {

/// Units of length: OME-Zarr's name and Image::unit.
struct ZarrUnit {
  std::string_view name, unit;
};
inline constexpr std::array<ZarrUnit, 4> kZarrUnits{
    {{"micrometer", "micron"}, {"nanometer", "nm"}, {"millimeter", "mm"}, {"meter", "m"}}};

struct ZarrImage {
  std::filesystem::path array;  // its folder
  std::string axes;             // letters, slowest first; empty: not told
  std::vector<double> spacing;  // of each axis; empty: not told
  std::string unit;             // of X, Y and Z
};

/// `options.dataset` names an array in the folder, such as a resolution level ("1"; default: the first, which is the
/// full one); `options.series` one of several images. Throws Error: there is no image, or the choice is the user's.
ZarrImage find_zarr_image(const std::filesystem::path& folder, const ReadOptions& options);

}  // namespace n2s
