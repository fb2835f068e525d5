// The few functions of NCCL that are used, as its header declares them (nccl.h of version 2.30; all since 2.11 have
// them). The library is loaded when several ranks train on GPUs.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace n2s {

struct NcclFunctions {
  struct Communicator;
  struct UniqueId {
    char bytes[128];
  };
  // Numbers of ncclDataType_t, ncclRedOp_t and ncclScalarResidence_t.
  enum DataType : int { float32 = 7, float64 = 8 };
  enum Residence : int { on_host = 1 };

  const char* (*error_text)(int result) = nullptr;

  // All others return 0 when they succeed.
  int (*unique_id)(UniqueId* id) = nullptr;
  int (*init_rank)(Communicator** communicator, int ranks, UniqueId id, int rank) = nullptr;
  int (*destroy)(Communicator* communicator) = nullptr;
  /// An operation that adds up what each rank has multiplied by its scalar.
  int (*create_scaled_sum)(int* operation, const void* scalar, DataType type, Residence residence,
                           Communicator* communicator) = nullptr;
  int (*destroy_operation)(int operation, Communicator* communicator) = nullptr;
  int (*all_reduce)(const void* from, void* to, std::size_t count, DataType type, int operation,
                    Communicator* communicator, cudaStream_t stream) = nullptr;
};

/// Null where the library is not installed.
const NcclFunctions* nccl();

#ifdef N2S_EMULATION
NcclFunctions emulated_nccl();
#endif

}  // namespace n2s
