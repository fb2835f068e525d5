// See hdf5.h: the writer. The file is made in memory ("core" driver) and then written atomically: the library does not
// survive a full disk well, it keeps trying to flush a file that it cannot close.
#include <fmt/format.h>

#include "data/atomic_file.h"
#include "data/formats/hdf5.h"
#include "data/formats/hdf5_dataset.h"
#include "data/formats/hdf5_handle.h"

namespace n2s {
namespace {

void write_all(const Hdf5DatasetWriter& dataset, const Image& image) {
  const std::size_t samples = image.axes[image.axes.size() - 2].length * image.axes.back().length;
  for (std::size_t plane = 0; plane * samples < image.values.size(); ++plane)
    dataset.write(plane, std::span(image.values).subspan(plane * samples, samples));
}

void write_hdf5(const std::filesystem::path& path, const Image& given, const WriteOptions& options) {
  Image storage;
  const Image& image = arranged(given, "TCZYX", storage);
  const std::string name = options.dataset.empty() ? "data" : options.dataset;
  const std::string failure = fmt::format("{}: cannot make the HDF5 dataset '{}'", path.string(), name);
  silence_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, failure);
  constexpr std::size_t kGrowth = std::size_t{16} << 20;  // bytes
  check_hdf5(H5Pset_fapl_core(access.get(), kGrowth, 0), failure);
  AtomicFile output(path, options.overwrite);
  const Hdf5Handle file(H5Fcreate(output.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose,
                        failure);
  write_all(Hdf5DatasetWriter(file.get(), name, image, options.type.value_or(image.type), failure), image);
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
