// See hdf5_collection.h. Unlike hdf5_write.cpp it lets the library write the file, which may be larger than memory, and
// looks beforehand whether the disk has room: the library does not survive a full one well.
#include "data/formats/hdf5_collection.h"

#include <fmt/format.h>

#include <memory>
#include <system_error>
#include <vector>

#include "data/formats/hdf5_dataset.h"

namespace n2s {
namespace {

std::unique_ptr<Hdf5Handle> create(const std::string& temporary, const std::string& failure) {
  silence_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, failure);
  // Of version 1.8 on, texts may be longer than 64 KiB.
  check_hdf5(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST), failure);
  return std::make_unique<Hdf5Handle>(H5Fcreate(temporary.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose,
                                      failure);
}

void write_text(hid_t object, const std::string& attribute, const std::string& text, const std::string& failure) {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, failure);
  check_hdf5(H5Tset_size(type.get(), text.size() + 1), failure);
  check_hdf5(H5Tset_cset(type.get(), H5T_CSET_UTF8), failure);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose, failure);
  const Hdf5Handle written(H5Acreate2(object, attribute.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, failure);
  check_hdf5(H5Awrite(written.get(), type.get(), text.c_str()), failure);
}

}  // namespace

Hdf5Collection::Hdf5Collection(const std::filesystem::path& path, bool overwrite)
    : name_(path.string()),
      output_(path, overwrite),
      file_(create(output_.temporary().string(), fmt::format("{}: cannot make an HDF5 file", name_))) {}

Hdf5Collection::~Hdf5Collection() = default;

void Hdf5Collection::add(const std::string& name, const Image& header, const Stack& stack, const std::string& attribute,
                         const std::string& text) {
  constexpr std::uintmax_t kReserve = std::uintmax_t{16} << 20;  // bytes
  const std::uintmax_t bytes = stack.voxels.size() * sample_bytes(header.type) + kReserve;
  std::error_code unknown;
  const std::filesystem::space_info disk = std::filesystem::space(output_.temporary().parent_path(), unknown);
  if (!unknown && disk.available < bytes)
    throw Error(fmt::format("{}: the disk has {} MiB left, and {} needs {}; free some, or choose another place", name_,
                            disk.available >> 20, name, bytes >> 20));
  const std::string failure = fmt::format("{}: cannot write the HDF5 dataset '{}'", name_, name);
  const Hdf5DatasetWriter dataset(file_->get(), name, header, header.type, failure);
  for (int plane = 0; plane < stack.planes; ++plane)
    dataset.write(static_cast<std::size_t>(plane), plane_of(stack, plane));
  write_text(dataset.get(), attribute, text, failure);
}

void Hdf5Collection::describe(const std::string& attribute, const std::string& text) {
  write_text(file_->get(), attribute, text, fmt::format("{}: cannot write the attribute '{}'", name_, attribute));
}

void Hdf5Collection::commit() {
  check_hdf5(H5Fflush(file_->get(), H5F_SCOPE_LOCAL), fmt::format("{}: cannot complete the HDF5 file", name_));
  file_.reset();
  output_.commit();
}

std::string read_hdf5_text(const std::filesystem::path& path, const std::string& object, const std::string& attribute) {
  silence_hdf5();
  const std::string failure = fmt::format("{}: damaged HDF5 file; copy or download it again", path.string());
  const Hdf5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, failure);
  if (H5Aexists_by_name(file.get(), object.c_str(), attribute.c_str(), H5P_DEFAULT) <= 0) return {};
  const Hdf5Handle opened(H5Aopen_by_name(file.get(), object.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                          H5Aclose, failure);
  const Hdf5Handle type(H5Aget_type(opened.get()), H5Tclose, failure);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0) return {};
  std::vector<char> text(H5Tget_size(type.get()) + 1, '\0');
  check_hdf5(H5Aread(opened.get(), type.get(), text.data()), failure);
  return text.data();
}

}  // namespace n2s
