// Finds the functions of cuFFT in the library, once (see cufft.h).
#include "kernels/fft/cufft.h"

#include <optional>

#include "kernels/base/error.h"
#include "kernels/device/shared_library.h"

namespace n2s::device {
namespace {

#ifdef N2S_EMULATION

std::optional<CufftFunctions> load() {
  return emulated_cufft();
}

#else

std::optional<CufftFunctions> load() {
  // First the one of the toolkit that this program is built with: newer ones have no code for older GPUs.
  constexpr const char* kNames[] = {CUDART_VERSION < 13000 ? "libcufft.so.11" : "libcufft.so.12",
                                    CUDART_VERSION < 13000 ? "libcufft.so.12" : "libcufft.so.11", "libcufft.so"};
  const SharedLibrary library(kNames);
  CufftFunctions f;
  const bool complete = library.find("cufftCreate", f.create) && library.find("cufftDestroy", f.destroy) &&
                        library.find("cufftSetAutoAllocation", f.set_auto_allocation) &&
                        library.find("cufftMakePlanMany", f.make_plan_many) &&
                        library.find("cufftSetWorkArea", f.set_work_area) &&
                        library.find("cufftSetStream", f.set_stream) && library.find("cufftExecR2C", f.forward) &&
                        library.find("cufftExecC2R", f.inverse);
  if (!complete) return std::nullopt;
  return f;
}

#endif

const std::optional<CufftFunctions>& loaded() {
  static const std::optional<CufftFunctions> functions = load();
  return functions;
}

}  // namespace

bool has_cufft() {
  return loaded().has_value();
}

const CufftFunctions& cufft() {
  if (!has_cufft())
    throw Error(
        "the GPU's Fourier transform needs NVIDIA's cuFFT, which is not found (libcufft.so): install it with the CUDA "
        "toolkit or by its own package and put its folder into LD_LIBRARY_PATH, or use --device cpu");
  return *loaded();
}

}  // namespace n2s::device
