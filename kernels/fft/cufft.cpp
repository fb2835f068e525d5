#include "kernels/fft/cufft.h"

#include <dlfcn.h>

#include <optional>

#include "kernels/base/error.h"

namespace n2s::device {
namespace {

#ifdef N2S_EMULATION

std::optional<CufftFunctions> load() {
  return emulated_cufft();
}

#else

void* open_library() {
  // First the one of the toolkit that this program is built with: newer ones have no code for older GPUs.
  constexpr const char* kNames[] = {CUDART_VERSION < 13000 ? "libcufft.so.11" : "libcufft.so.12",
                                    CUDART_VERSION < 13000 ? "libcufft.so.12" : "libcufft.so.11", "libcufft.so"};
  for (const char* name : kNames)
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

template <typename Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));  // NOLINT: how dlsym gives functions
  return function != nullptr;
}

std::optional<CufftFunctions> load() {
  void* library = open_library();  // stays for the life of the program
  CufftFunctions f;
  const bool complete =
      library != nullptr && find(library, "cufftCreate", f.create) && find(library, "cufftDestroy", f.destroy) &&
      find(library, "cufftSetAutoAllocation", f.set_auto_allocation) &&
      find(library, "cufftMakePlanMany", f.make_plan_many) && find(library, "cufftSetWorkArea", f.set_work_area) &&
      find(library, "cufftSetStream", f.set_stream) && find(library, "cufftExecR2C", f.forward) &&
      find(library, "cufftExecC2R", f.inverse);
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
