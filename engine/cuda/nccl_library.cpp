// Finds the functions of NCCL in the library, once (see nccl_library.h).
#include "engine/cuda/nccl_library.h"

#include <optional>

#include "kernels/device/shared_library.h"

namespace n2s {
namespace {

#ifdef N2S_EMULATION

std::optional<NcclFunctions> load() {
  return emulated_nccl();
}

#else

std::optional<NcclFunctions> load() {
  constexpr const char* kNames[] = {"libnccl.so.2"};
  const device::SharedLibrary library(kNames);
  NcclFunctions f;
  const bool found = library.find("ncclGetErrorString", f.error_text) && library.find("ncclGetUniqueId", f.unique_id) &&
                     library.find("ncclCommInitRank", f.init_rank) && library.find("ncclCommDestroy", f.destroy) &&
                     library.find("ncclRedOpCreatePreMulSum", f.create_scaled_sum) &&
                     library.find("ncclRedOpDestroy", f.destroy_operation) &&
                     library.find("ncclAllReduce", f.all_reduce);
  return found ? std::optional(f) : std::nullopt;
}

#endif

}  // namespace

const NcclFunctions* nccl() {
  static const std::optional<NcclFunctions> functions = load();
  return functions ? &*functions : nullptr;
}

}  // namespace n2s
