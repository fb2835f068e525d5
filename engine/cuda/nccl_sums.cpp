// See nccl_sums.h.
#include "engine/cuda/nccl_sums.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/cuda/cuda_memory.h"
#include "engine/cuda/nccl_library.h"
#include "engine/runtime/ranks.h"
#include "kernels/base/error.h"
#include "kernels/device/check.h"

namespace n2s {
namespace {

using device::check;
using Functions = NcclFunctions;

void check_nccl(int result, const char* what) {
  if (result != 0) throw Error(fmt::format("NCCL: {}: {}", what, nccl()->error_text(result)));
}

struct CommunicatorDeleter {
  void operator()(Functions::Communicator* communicator) const { nccl()->destroy(communicator); }
};
using Communicator = std::unique_ptr<Functions::Communicator, CommunicatorDeleter>;

class NcclSums final : public DeviceSums {
 public:
  NcclSums(Communicator communicator, cudaStream_t computing)
      : communicator_(std::move(communicator)),
        computing_(computing),
        stream_(cuda_stream()),
        made_(cuda_event()),
        summed_(cuda_event()) {}
  NcclSums(const NcclSums&) = delete;
  NcclSums& operator=(const NcclSums&) = delete;
  ~NcclSums() override {
    cudaStreamSynchronize(stream_.get());
    forget_operations();
  }

  void start(std::span<float> values, double factor) override {
    start(values.data(), values.size(), Functions::float32, factor);
  }
  void start(double& value, double factor) override { start(&value, 1, Functions::float64, factor); }

  void finish() override {
    check(cudaEventRecord(summed_.get(), stream_.get()), "adding up gradients");
    check(cudaStreamWaitEvent(computing_, summed_.get()), "adding up gradients");
  }

 private:
  void start(void* values, std::size_t count, Functions::DataType type, double factor) {
    check(cudaEventRecord(made_.get(), computing_), "adding up gradients");
    check(cudaStreamWaitEvent(stream_.get(), made_.get()), "adding up gradients");
    check_nccl(
        nccl()->all_reduce(values, values, count, type, operation(type, factor), communicator_.get(), stream_.get()),
        "adding up gradients");
  }

  /// The factor changes seldom: with the last, smaller batch, or where masks differ.
  int operation(Functions::DataType type, double factor) {
    constexpr std::size_t kMost = 64;
    if (operations_.size() > kMost) {
      check(cudaStreamSynchronize(stream_.get()), "adding up gradients");
      forget_operations();
    }
    const auto [found, is_new] = operations_.emplace(std::pair{type, factor}, 0);
    if (is_new) {
      const auto single = static_cast<float>(factor);
      const void* scalar = type == Functions::float32 ? static_cast<const void*>(&single) : &factor;
      check_nccl(nccl()->create_scaled_sum(&found->second, scalar, type, Functions::on_host, communicator_.get()),
                 "adding up gradients");
    }
    return found->second;
  }
  void forget_operations() {
    for (const auto& [key, operation] : operations_) nccl()->destroy_operation(operation, communicator_.get());
    operations_.clear();
  }

  Communicator communicator_;
  cudaStream_t computing_;
  CudaStream stream_;
  CudaEvent made_, summed_;
  std::map<std::pair<Functions::DataType, double>, int> operations_;
};

/// How many ranks say so.
int count_of(Ranks& ranks, bool here) {
  float count = here ? 1 : 0;
  ranks.sum(std::span(&count, 1));
  return static_cast<int>(count);
}

}  // namespace

std::unique_ptr<DeviceSums> nccl_sums(Ranks& ranks, cudaStream_t computing, std::string& why_none) {
  if (const int without = count_of(ranks, nccl() == nullptr); without > 0) {
    why_none = fmt::format("{} of {} ranks have no NCCL (libnccl.so.2)", without, ranks.count());
    return nullptr;
  }
  Functions::UniqueId id{};
  int result = ranks.rank() == 0 ? nccl()->unique_id(&id) : 0;
  ranks.broadcast(std::as_writable_bytes(std::span(&id, 1)));
  Functions::Communicator* communicator = nullptr;
  if (count_of(ranks, result != 0) == 0) result = nccl()->init_rank(&communicator, ranks.count(), id, ranks.rank());
  Communicator owned(communicator);
  if (const int refused = count_of(ranks, result != 0); refused > 0) {
    why_none = fmt::format("NCCL refuses {} of {} ranks{}", refused, ranks.count(),
                           result != 0 ? fmt::format(": {}", nccl()->error_text(result)) : "");
    return nullptr;
  }
  return std::make_unique<NcclSums>(std::move(owned), computing);
}

}  // namespace n2s
