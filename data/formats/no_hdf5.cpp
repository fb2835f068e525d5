// Stands for hdf5.cpp in libn2s and the Python module, which work on arrays: HDF5's library would be a third of them.
#include <memory>
#include <vector>

#include "data/formats/hdf5.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

[[noreturn]] void refuse(const std::string& name) {
  throw Error(name + ": HDF5 is read and written by the program n2s, not by this library; give it an array");
}

}  // namespace

std::string hdf5_version() {
  return "none";
}

std::vector<Hdf5Dataset> list_hdf5(const std::filesystem::path& path) {
  refuse(path.string());
}

bool is_hdf5(const InputFile& file) {
  return file.has("\x89HDF\r\n\x1a\n");
}

std::unique_ptr<ImageReader> open_hdf5(std::shared_ptr<const InputFile> file, const ReadOptions& /*options*/) {
  refuse(file->name());
}

std::unique_ptr<ImageWriter> create_hdf5(const std::filesystem::path& path, Image /*header*/,
                                         const WriteOptions& /*options*/) {
  refuse(path.string());
}

}  // namespace n2s
