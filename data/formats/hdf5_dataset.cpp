// See hdf5_dataset.h.
#include "data/formats/hdf5_dataset.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/formats/hdf5_axes.h"
#include "data/samples.h"

namespace n2s {
namespace {

hid_t native_type(SampleType type) {
  switch (type) {
    case SampleType::uint8:
      return H5T_NATIVE_UINT8;
    case SampleType::int8:
      return H5T_NATIVE_INT8;
    case SampleType::uint16:
      return H5T_NATIVE_UINT16;
    case SampleType::int16:
      return H5T_NATIVE_INT16;
    case SampleType::uint32:
      return H5T_NATIVE_UINT32;
    case SampleType::int32:
      return H5T_NATIVE_INT32;
    case SampleType::uint64:
      return H5T_NATIVE_UINT64;
    case SampleType::int64:
      return H5T_NATIVE_INT64;
    case SampleType::float64:
      return H5T_NATIVE_DOUBLE;
    case SampleType::float16:  // write_image() widens it
    case SampleType::float32:
      break;
  }
  return H5T_NATIVE_FLOAT;
}

double microns_per(const std::string& unit) {
  return unit == "m" ? 1e6 : unit == "mm" ? 1e3 : unit == "micron" ? 1 : unit == "nm" ? 1e-3 : 0;
}

void write_spacing(hid_t dataset, const Image& image, const std::string& failure) {
  const double scale = microns_per(image.unit);
  if (scale == 0) return;
  std::array<double, 3> spacing = {scale, scale, scale};
  constexpr std::array<char, 3> kNames = {'Z', 'Y', 'X'};
  for (std::size_t i = 0; i < 3; ++i)
    if (const auto axis = find_axis(image.axes, kNames[i])) spacing[i] = image.axes[*axis].spacing * scale;
  const hsize_t three = 3;
  const Hdf5Handle space(H5Screate_simple(1, &three, nullptr), H5Sclose, failure);
  const Hdf5Handle attribute(H5Acreate2(dataset, kHdf5Spacing, H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose, failure);
  check_hdf5(H5Awrite(attribute.get(), H5T_NATIVE_DOUBLE, spacing.data()), failure);
}

Hdf5Handle create(hid_t file, const std::string& name, const std::vector<hsize_t>& shape, SampleType type,
                  const std::string& failure) {
  const Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, failure);
  check_hdf5(H5Pset_create_intermediate_group(links.get(), 1), failure);
  const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, failure);
  std::vector<hsize_t> chunk(shape.size(), 1);
  constexpr hsize_t kLongestSide = 512;  // a plane of 512 x 512 floats is the library's chunk cache, 1 MiB
  chunk[shape.size() - 2] = std::min(shape[shape.size() - 2], kLongestSide);
  chunk.back() = std::min(shape.back(), kLongestSide);
  check_hdf5(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), failure);
  check_hdf5(H5Pset_deflate(creation.get(), 1), failure);
  check_hdf5(H5Pset_obj_track_times(creation.get(), 0), failure);  // the same data make the same file
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose, failure);
  return {H5Dcreate2(file, name.c_str(), native_type(type), space.get(), links.get(), creation.get(), H5P_DEFAULT),
          H5Dclose, failure};
}

std::vector<hsize_t> shape_of(const Image& image) {
  std::vector<hsize_t> shape;
  for (const Axis& axis : image.axes) shape.push_back(axis.length);
  return shape;
}

}  // namespace

Hdf5DatasetWriter::Hdf5DatasetWriter(hid_t file, const std::string& name, const Image& header, SampleType type,
                                     std::string failure)
    : shape_(shape_of(header)),
      type_(type),
      failure_(std::move(failure)),
      dataset_(create(file, name, shape_, type, failure_)) {
  std::string names;
  for (const Axis& axis : header.axes) names += axis.name;
  write_hdf5_axes(dataset_.get(), names, failure_);
  write_spacing(dataset_.get(), header, failure_);
}

void Hdf5DatasetWriter::write(std::size_t number, std::span<const float> plane) const {
  std::vector<std::byte> bytes(plane.size() * sample_bytes(type_));
  std::vector<hsize_t> start(shape_.size(), 0);
  std::vector<hsize_t> count(shape_.size(), 1);
  count[shape_.size() - 2] = shape_[shape_.size() - 2];
  count.back() = shape_.back();
  for (std::size_t i = shape_.size() - 2; i-- > 0;) {
    start[i] = number % shape_[i];
    number /= shape_[i];
  }
  const Hdf5Handle file_space(H5Dget_space(dataset_.get()), H5Sclose, failure_);
  const Hdf5Handle plane_space(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose,
                               failure_);
  encode_samples(plane, type_, false, {}, bytes);
  check_hdf5(H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
             failure_);
  check_hdf5(
      H5Dwrite(dataset_.get(), native_type(type_), plane_space.get(), file_space.get(), H5P_DEFAULT, bytes.data()),
      failure_);
}

}  // namespace n2s
