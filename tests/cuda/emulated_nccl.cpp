// NCCL on the emulated device, for one process: all other ranks hold what this one does, multiplied by the same factor,
// so that a sum over `ranks` is the values times factor times `ranks`. Queued in streams as the library's work is.
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/cuda/nccl_library.h"
#include "tests/cuda/emulated_library.h"

namespace n2s {

namespace {

using Functions = NcclFunctions;
constexpr int kFailed = 1;       // ncclUnhandledCudaError
constexpr int kBadArgument = 4;  // ncclInvalidArgument

/// A sum that is in a stream.
struct Call {
  void* values = nullptr;
  std::size_t count = 0;
  Functions::DataType type = Functions::float32;
  double factor = 1;  // with those of the other ranks
};

template <typename T>
void scale(const Call& call) {
  for (std::size_t i = 0; i < call.count; ++i)
    static_cast<T*>(call.values)[i] = static_cast<T>(double{static_cast<T*>(call.values)[i]} * call.factor);
}

void run(void* data) {
  const Call& call = *static_cast<const Call*>(data);
  call.type == Functions::float32 ? scale<float>(call) : scale<double>(call);
}

}  // namespace

struct NcclFunctions::Communicator {
  int ranks = 1;
  std::vector<double> factors{};  // of operations that were created
  std::deque<Call> queued{};
};

namespace {

constexpr int kFirstOperation = 5;  // after NCCL's own

int init_rank(Functions::Communicator** communicator, int ranks, Functions::UniqueId id, int rank) {
  return device::counted(kFailed, [&] {
    if (id.bytes[0] != 7 || rank < 0 || rank >= ranks) return kBadArgument;
    *communicator = std::make_unique<Functions::Communicator>(Functions::Communicator{ranks}).release();
    return 0;
  });
}

int create_scaled_sum(int* operation, const void* scalar, Functions::DataType type, Functions::Residence residence,
                      Functions::Communicator* communicator) {
  return device::counted(kFailed, [&] {
    if (residence != Functions::on_host) return kBadArgument;
    const double factor =
        type == Functions::float32 ? double{*static_cast<const float*>(scalar)} : *static_cast<const double*>(scalar);
    communicator->factors.push_back(factor);
    *operation = kFirstOperation + static_cast<int>(communicator->factors.size()) - 1;
    return 0;
  });
}

int all_reduce(const void* from, void* to, std::size_t count, Functions::DataType type, int operation,
               Functions::Communicator* communicator, cudaStream_t stream) {
  const auto index = static_cast<std::size_t>(operation - kFirstOperation);
  if (from != to || index >= communicator->factors.size()) return kBadArgument;
  communicator->queued.push_back({to, count, type, communicator->factors[index] * communicator->ranks});
  return cudaLaunchHostFunc(stream, run, &communicator->queued.back()) == cudaSuccess ? 0 : kFailed;
}

}  // namespace

NcclFunctions emulated_nccl() {
  NcclFunctions f;
  f.error_text = [](int) { return "an emulated error"; };
  f.unique_id = [](Functions::UniqueId* id) {
    id->bytes[0] = 7;
    return 0;
  };
  f.init_rank = init_rank;
  f.destroy = [](Functions::Communicator* communicator) {
    delete communicator;
    return 0;
  };
  f.create_scaled_sum = create_scaled_sum;
  f.destroy_operation = [](int, Functions::Communicator*) { return 0; };
  f.all_reduce = all_reduce;
  return f;
}

}  // namespace n2s
