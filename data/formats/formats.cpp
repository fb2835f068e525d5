// The rows of the table of file formats.
#include "data/formats/formats.h"

#include <algorithm>

#include "data/formats/hdf5.h"
#include "data/formats/metaimage.h"
#include "data/formats/mrc.h"
#include "data/formats/nifti.h"
#include "data/formats/npy.h"
#include "data/formats/nrrd.h"
#include "data/formats/png.h"
#include "data/formats/tiff.h"
#include "data/formats/zarr.h"
#include "data/text.h"

namespace n2s {
namespace {

/// In the order in which content is tried: formats with a signature in one place first.
const std::vector<Format>& table() {
  static const std::vector<Format> rows = {
      {.name = "NIfTI",
       .extensions = {".nii.gz", ".nii"},
       .recognise = is_nifti,
       .open = open_nifti,
       .create = create_nifti,
       .medical = true,
       .scaling = true},
      {.name = "OME-TIFF",
       .extensions = {".ome.tif", ".ome.tiff"},
       .recognise = is_tiff,
       .open = open_tiff,
       .create = create_ome_tiff,
       .types = {SampleType::uint8, SampleType::int8, SampleType::uint16, SampleType::int16, SampleType::uint32,
                 SampleType::int32, SampleType::float32, SampleType::float64},
       .may_lack_axes = true,
       .has_series = true},
      {.name = "TIFF",
       .extensions = {".tif", ".tiff"},
       .recognise = is_tiff,
       .open = open_tiff,
       .create = create_tiff,
       .may_lack_axes = true,
       .has_series = true},
      {.name = "PNG",
       .extensions = {".png"},
       .recognise = is_png,
       .open = open_png,
       .create = create_png,
       .axes = "CYX",
       .types = {SampleType::uint8, SampleType::uint16}},
      {.name = "HDF5",
       .extensions = {".h5", ".hdf5"},
       .recognise = is_hdf5,
       .open = open_hdf5,
       .create = create_hdf5,
       .crashes_on_damage = true,
       .may_lack_axes = true,
       .has_datasets = true},
      {.name = "MRC",
       .extensions = {".mrc", ".rec", ".st", ".map"},
       .recognise = is_mrc,
       .open = open_mrc,
       .create = create_mrc,
       .axes = "TZYX",
       .float16 = true},
      {.name = "NumPy",
       .extensions = {".npy"},
       .recognise = is_npy,
       .open = open_npy,
       .create = create_npy,
       .float16 = true,
       .may_lack_axes = true},
      {.name = "NRRD",
       .extensions = {".nrrd"},
       .recognise = is_nrrd,
       .open = open_nrrd,
       .create = create_nrrd,
       .medical = true,
       .may_lack_axes = true},
      {.name = "MetaImage",
       .extensions = {".mha"},
       .recognise = is_metaimage,
       .open = open_metaimage,
       .create = create_metaimage,
       .axes = "TZYX",
       .medical = true,
       .may_lack_axes = true},
      {.name = "OME-Zarr",
       .extensions = {".zarr"},
       .recognise = is_zarr,
       .open = open_zarr,
       .create = create_zarr,
       .float16 = true,
       .may_lack_axes = true,
       .has_series = true,
       .has_datasets = true},
  };
  return rows;
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace

std::span<const Format> formats() {
  return table();
}

const Format* format_of_name(const std::filesystem::path& path) {
  const std::string name = lower_case(path.filename().string());
  for (const Format& format : table())
    for (const std::string_view extension : format.extensions)
      if (name.ends_with(extension)) return &format;
  return nullptr;
}

const Format* format_of_content(const InputFile& file) {
  // The first word of NIfTI is 348 or 540; of MRC it is the number of columns, which may be the same.
  const Format* named = format_of_name(file.name());
  if (named != nullptr && named->recognise(file)) return named;
  const auto found =
      std::find_if(table().begin(), table().end(), [&](const Format& format) { return format.recognise(file); });
  return found == table().end() ? nullptr : &*found;
}

std::string format_names(bool medical_only) {
  std::vector<std::string_view> names;
  for (const Format& format : table())
    if (format.medical || !medical_only) names.push_back(format.name);
  return listed(names);
}

std::string format_extensions() {
  std::vector<std::string_view> extensions;
  for (const Format& format : table())
    extensions.insert(extensions.end(), format.extensions.begin(), format.extensions.end());
  return listed(extensions);
}

}  // namespace n2s
