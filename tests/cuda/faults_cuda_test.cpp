// Every call of CUDA, cuFFT or cuDNN fails once: the result is one typed error, without leaks or half-done work.
#include <doctest/doctest.h>

#include "emulation/control.h"
#include "engine/devices/device.h"
#include "engine/graph/fusion.h"
#include "engine/inference/inference.h"
#include "engine/training/batches.h"
#include "engine/training/trainer.h"
#include "kernels/base/error.h"
#include "tests/cuda/tiny_nets.h"
#include "tests/data/file_helpers.h"
#include "tests/engine/mirrored_ranks.h"
#include "tests/kernels/random_image.h"
#include "tests/sanitized.h"

namespace n2s::test {
namespace {

constexpr std::size_t kBudget = std::size_t{1} << 28;
// Less under sanitizers, for the sake of time: neighbouring calls fail in the same functions.
constexpr long kStride = kSanitized ? 15 : 1;

std::vector<TrainingStack> small_stacks() {
  std::vector<TrainingStack> stacks(1);
  stacks[0].source = Stack{4, 8, 8, random_values(std::size_t{4} * 8 * 8, 5)};
  return stacks;
}

/// What a run leaves behind.
struct Outcome {
  std::string error;
  long steps = 0;
  bool restored = false;
};

/// Two steps and a denoise; undersampling brings cuFFT in.
Outcome run(const CudaOptions& options, const std::vector<TrainingStack>& stacks, std::size_t limit,
            const std::shared_ptr<Ranks>& ranks = {}) {
  Outcome outcome;
  try {
    const Device device = open_cuda(options);
    BatchSettings settings;
    settings.planes = 2;
    settings.batch = 1;
    settings.augmentation = {8, 8, 2, true, 0, true};
    settings.noise = KspaceNoise{0.4};
    ThreadPool pool(1);
    StackBatches batches(stacks, settings, pool);
    const Graph graph = fuse(tiny_microscopy_net(2));
    TrainingSettings training{{}, 1, Schedule::cosine_per_epoch};
    training.ranks = ranks;
    Trainer trainer(*device.backend, graph, batches, {}, training,
                    device.batch_loader({stacks, settings, batches, limit}));
    for (; outcome.steps < 2; ++outcome.steps) trainer.step();
    const Stack& noisy = *stacks[0].source.in_memory();
    const Stack restored = restore_stack(*device.inference, {&graph, 24}, trainer.memory(), noisy, {});
    outcome.restored = restored.voxels.size() == noisy.voxels.size();
  } catch (const Error& error) {
    outcome.error = error.what();
  }
  return outcome;
}

void check_every_call(const CudaOptions& options, std::size_t limit, cudaError_t fault,
                      const std::shared_ptr<Ranks>& ranks = {}) {
  const std::vector<TrainingStack> stacks = small_stacks();
  const long before = emulation::calls();
  REQUIRE(run(options, stacks, limit, ranks).restored);
  const long calls = emulation::calls() - before;
  REQUIRE(calls > 100);
  std::size_t alive = emulation::live_objects();
  long errors = 0;
  for (long n = 1; n <= calls; n += kStride) {
    CAPTURE(n);
    emulation::fail_call(n, fault);
    const Outcome outcome = run(options, stacks, limit, ranks);
    emulation::fail_call(0, cudaSuccess);
    CAPTURE(outcome.error);
    CHECK(emulation::live_objects() == alive);
    alive = emulation::live_objects();  // report each leak once
    // A fault in a call that frees memory, or in an optional one, need not end the run; then it must be complete.
    if (outcome.error.empty()) CHECK(outcome.restored);
    if (!outcome.error.empty()) CHECK_FALSE(outcome.restored);
    CHECK(outcome.error.find('\n') == std::string::npos);
    errors += outcome.error.empty() ? 0 : 1;
  }
  CHECK(errors > calls / kStride / 2);  // the others free memory or are optional
}

TEST_CASE("any call may fail, and nothing is leaked") {
  check_every_call({0, "fp16", "wmma"}, kBudget, cudaErrorUnknown);
}
TEST_CASE("any call may fail while batches stream, and nothing is leaked") {
  check_every_call({}, 0, cudaErrorUnknown);
}
TEST_CASE("any call may fail with cuDNN's convolutions, and nothing is leaked") {
  check_every_call({0, "fp16", "cudnn"}, kBudget, cudaErrorUnknown);
}
TEST_CASE("any call may fail with cuBLAS's products, and nothing is leaked") {
  check_every_call({0, "fp16", "cublas"}, kBudget, cudaErrorUnknown);
}
TEST_CASE("any call may fail while ranks add up gradients, and nothing is leaked") {
  check_every_call({}, 0, cudaErrorUnknown, std::make_shared<MirroredRanks>(2));
}
TEST_CASE("memory may end at any call, and nothing is leaked") {
  check_every_call({}, kBudget, cudaErrorMemoryAllocation);
}

TEST_CASE("too little memory is found before anything runs") {
  const std::vector<TrainingStack> stacks = small_stacks();
  const std::size_t alive = emulation::live_objects();
  emulation::set_memory_limit(100'000);
  const Outcome outcome = run({}, stacks, kBudget);
  emulation::set_memory_limit(std::size_t{8} << 30);
  CHECK(contains(outcome.error, "out of GPU memory: cannot allocate"));
  CHECK(outcome.steps == 0);
  CHECK(emulation::live_objects() == alive);
}

TEST_CASE("a machine without a GPU, and one without that many") {
  CHECK(contains(error_of([] { make_cuda_backend({1, "fp32", "auto"}); }), "only cuda:0"));
  emulation::set_device_count(0);
  CHECK(contains(error_of([] { make_cuda_backend({}); }), "use --device cpu"));
  emulation::set_device_count(1);
}

TEST_CASE("a driver that is too old, and a build without code for the GPU, say what to do") {
  struct Fault {
    cudaError_t code;
    const char* advice;
  };
  for (const Fault& fault : {Fault{cudaErrorInsufficientDriver, "update the driver"},
                             {cudaErrorNoKernelImageForDevice, "build with -D"},
                             {cudaErrorUnsupportedPtxVersion, "update it"}}) {
    CAPTURE(fault.advice);
    int said = 0;  // by the call that answers so on a real machine
    for (long n = 1; n <= 8; ++n) {
      emulation::fail_call(n, fault.code);
      said += contains(error_of([] { make_cuda_backend({}); }), fault.advice) ? 1 : 0;
      emulation::fail_call(0, cudaSuccess);
    }
    CHECK(said > 0);
  }
}

}  // namespace
}  // namespace n2s::test
