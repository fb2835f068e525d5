// Stands for onnx_model.cpp, and for what packages need, where the build is without ONNX (N2S_ONNX=OFF).
#include "kernels/base/error.h"
#include "tools/export/bioimage_package.h"
#include "tools/export/onnx_model.h"
#include "tools/export/zip_file.h"

namespace n2s {
namespace {

[[noreturn]] void refuse() {
  throw Error("this build is without ONNX; build it with libonnx-dev, libprotobuf-dev and libzip-dev installed");
}

}  // namespace

std::string onnx_model(const LoadedModel& /*model*/, const std::string& /*configuration*/,
                       const OnnxOptions& /*options*/) {
  refuse();
}

std::vector<ArchivedFile> bioimage_package(const LoadedModel& /*model*/, const std::string& /*configuration*/,
                                           const PackageTexts& /*texts*/,
                                           const std::optional<PackageExample>& /*example*/, const Device& /*device*/) {
  refuse();
}

std::string zip_archive(const std::vector<ArchivedFile>& /*files*/, ZipCompression /*compression*/) {
  refuse();
}

}  // namespace n2s
