// Finds the functions of cuBLASLt in the library, once (see library.h).
#include "kernels/conv3x3/cublas/library.h"

#include <optional>

#include "kernels/base/error.h"
#include "kernels/device/shared_library.h"

namespace n2s::device {
namespace {

#ifdef N2S_EMULATION

std::optional<CublasFunctions> load() {
  return emulated_cublas();
}

#else

std::optional<CublasFunctions> load() {
  constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"};
  const SharedLibrary library(kNames);
  CublasFunctions f;
  const bool found =
      library.find("cublasLtGetStatusString", f.error_text) && library.find("cublasLtCreate", f.create) &&
      library.find("cublasLtDestroy", f.destroy) && library.find("cublasLtMatmulDescCreate", f.create_product) &&
      library.find("cublasLtMatmulDescDestroy", f.destroy_product) &&
      library.find("cublasLtMatmulDescSetAttribute", f.set_product) &&
      library.find("cublasLtMatrixLayoutCreate", f.create_matrix) &&
      library.find("cublasLtMatrixLayoutDestroy", f.destroy_matrix) &&
      library.find("cublasLtMatmulPreferenceCreate", f.create_preference) &&
      library.find("cublasLtMatmulPreferenceDestroy", f.destroy_preference) &&
      library.find("cublasLtMatmulPreferenceSetAttribute", f.set_preference) &&
      library.find("cublasLtMatmulAlgoGetHeuristic", f.proposals) && library.find("cublasLtMatmul", f.multiply);
  return found ? std::optional(f) : std::nullopt;
}

#endif

const std::optional<CublasFunctions>& loaded() {
  static const std::optional<CublasFunctions> functions = load();
  return functions;
}

}  // namespace

bool has_cublas() {
  return loaded().has_value();
}

const CublasFunctions& cublas() {
  if (!has_cublas())
    throw Error(
        "the convolution variant 'cublas' needs NVIDIA's cuBLASLt, which is not found (libcublasLt.so.13): install it "
        "and put its folder into LD_LIBRARY_PATH, or use --variant auto");
  return *loaded();
}

}  // namespace n2s::device
