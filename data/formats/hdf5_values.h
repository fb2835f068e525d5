// What the numbers of an HDF5 dataset stand for where they are not the values themselves: netCDF's packed data
// (attributes scale_factor, add_offset, _FillValue and _Unsigned; NetCDF Users Guide, "Attribute Conventions"),
// BigDataViewer's 16-bit samples, which it stores with a sign, and the volumes of MINC 2, whose slices have a range
// each (datasets image-min and image-max, attribute valid_range; MINC 2.0 File Format Reference). Used by hdf5.cpp.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/samples.h"

namespace n2s {

struct Hdf5Values {
  SampleType type = SampleType::float32;  // of the dataset's integers, or floats where no integers hold the values
  double wrap = 0;                        // what is added to stored numbers below 0
  std::vector<Scaling> parts{Scaling{}};  // then, of so many equal parts of the dataset's planes, slowest axes first
  double lowest = -std::numeric_limits<double>::infinity();  // stored numbers are limited to these
  double highest = std::numeric_limits<double>::infinity();
  std::optional<double> missing;  // a stored number that means no value: NaN
};

/// Whether the path is that of a MINC 2 volume: "/minc-2.0/image/0/image".
bool is_minc_volume(const std::string& path);

/// Whether it is one of the datasets beside it.
bool is_minc_range(const std::string& path);

/// Of a dataset of `shape`, two dimensions at least, and stored `type`. Throws Error: ranges that do not fit.
Hdf5Values read_hdf5_values(hid_t file, hid_t dataset, const std::string& path, const std::vector<hsize_t>& shape,
                            SampleType type, const std::string& name);

/// In place: stored numbers of the planes from `first` on, of `planes`, become values.
void to_values(const Hdf5Values& meaning, std::size_t first, std::size_t planes, std::size_t plane_samples,
               std::span<float> values);

}  // namespace n2s
