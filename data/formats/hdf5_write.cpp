// See hdf5.h: the writer. The file is made in memory ("core" driver) and then written atomically: the library does not
// survive a full disk well, it keeps trying to flush a file that it cannot close.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "data/atomic_file.h"
#include "data/formats/hdf5.h"
#include "data/formats/hdf5_axes.h"
#include "data/formats/hdf5_handle.h"
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

void write_planes(hid_t dataset, const std::vector<hsize_t>& shape, const Image& image, SampleType type,
                  const std::string& failure) {
  const std::size_t samples = shape[shape.size() - 2] * shape.back();
  std::vector<std::byte> plane(samples * sample_bytes(type));
  std::vector<hsize_t> start(shape.size(), 0), count(shape.size(), 1);
  count[shape.size() - 2] = shape[shape.size() - 2];
  count.back() = shape.back();
  const Hdf5Handle file_space(H5Dget_space(dataset), H5Sclose, failure);
  const Hdf5Handle plane_space(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose,
                               failure);
  for (std::size_t done = 0; done < image.values.size(); done += samples) {
    std::size_t number = done / samples;
    for (std::size_t i = shape.size() - 2; i-- > 0;) {
      start[i] = number % shape[i];
      number /= shape[i];
    }
    encode_samples(std::span(image.values).subspan(done, samples), type, false, {}, plane);
    check_hdf5(H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
               failure);
    check_hdf5(H5Dwrite(dataset, native_type(type), plane_space.get(), file_space.get(), H5P_DEFAULT, plane.data()),
               failure);
  }
}

void write_dataset(hid_t file, const std::string& name, const std::vector<hsize_t>& shape, const Image& image,
                   SampleType type, const std::string& failure) {
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
  const Hdf5Handle dataset(
      H5Dcreate2(file, name.c_str(), native_type(type), space.get(), links.get(), creation.get(), H5P_DEFAULT),
      H5Dclose, failure);
  write_planes(dataset.get(), shape, image, type, failure);
  std::string names;
  for (const Axis& axis : image.axes) names += axis.name;
  write_hdf5_axes(dataset.get(), names, failure);
  write_spacing(dataset.get(), image, failure);
}

void write_hdf5(const std::filesystem::path& path, const Image& given, const WriteOptions& options) {
  Image storage;
  const Image& image = arranged(given, "TCZYX", storage);
  std::vector<hsize_t> shape;
  for (const Axis& axis : image.axes) shape.push_back(axis.length);
  const std::string name = options.dataset.empty() ? "data" : options.dataset;
  const std::string failure = fmt::format("{}: cannot make the HDF5 dataset '{}'", path.string(), name);
  silence_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, failure);
  constexpr std::size_t kGrowth = std::size_t{16} << 20;  // bytes
  check_hdf5(H5Pset_fapl_core(access.get(), kGrowth, 0), failure);
  AtomicFile output(path, options.overwrite);
  const Hdf5Handle file(H5Fcreate(output.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose,
                        failure);
  write_dataset(file.get(), name, shape, image, options.type.value_or(image.type), failure);
  check_hdf5(H5Fflush(file.get(), H5F_SCOPE_LOCAL), failure);
  const ssize_t size = H5Fget_file_image(file.get(), nullptr, 0);
  if (size <= 0) throw Error(failure);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  if (H5Fget_file_image(file.get(), bytes.data(), bytes.size()) != size) throw Error(failure);
  output.write(bytes);
  output.commit();
}

}  // namespace

std::unique_ptr<ImageWriter> create_hdf5(const std::filesystem::path& path, Image header, const WriteOptions& options) {
  return whole_writer(std::move(header), [=](const Image& image) { write_hdf5(path, image, options); });
}

}  // namespace n2s
