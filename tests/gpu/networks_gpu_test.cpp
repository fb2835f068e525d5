// Both networks at their full size on the GPU, against the CPU: one forward and backward pass, operation for operation
// what training does. Emulation is too slow for this.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/cpu/cpu_backend.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/graph/autograd.h"
#include "engine/graph/fusion.h"
#include "engine/runtime/executor.h"
#include "nets/network.h"
#include "tests/cuda/runs_here.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

struct Pass {
  double loss = 0;
  std::vector<float> gradients;
};

struct Size {
  const char* network;
  int planes;
  Extents extents;
};

const std::vector<Size>& sizes() {
  static const std::vector<Size> all = {
      {"mri", 5, {2, 256, 256}},       {"microscopy", 2, {2, 256, 256}}, {"mri", 4, {16, 64, 64}},
      {"microscopy", 2, {16, 64, 64}}, {"microscopy", 4, {3, 100, 244}}, {"mri", 1, {3, 96, 224}},
  };
  return all;
}

Pass run(Backend& backend, const Size& size, bool fusion) {
  Graph forward = find_network(size.network).build(size.planes);
  if (fusion) forward = fuse(std::move(forward));
  const Graph graph = differentiate(std::move(forward));
  ParameterMemory parameters(backend, graph.layers, true);
  parameters.upload(ParameterMemory::Part::values, initial_parameters(graph.layers, 7));
  Executor executor(backend, graph, size.extents, parameters);
  const auto elements = [&](ValueId id) { return static_cast<std::size_t>(executor.shape(id).elements()); };
  const std::vector<float> input = random_values(elements(graph.input), 11);
  const std::vector<float> target = random_values(elements(graph.target), 12);
  // Input and target share memory with later values of a step, so both come anew.
  executor.set(graph.input, input);
  executor.set(graph.target, target);
  executor.run();
  Pass pass;
  pass.loss = executor.loss();
  pass.gradients = parameters.download(ParameterMemory::Part::gradients);
  if (backend.loss_scaling().scale > 0)
    for (float& value : pass.gradients) value /= backend.loss_scaling().scale;
  return pass;
}

double nmse_of(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(double{found[i]} - double{expected[i]}, 2);
    power += std::pow(double{expected[i]}, 2);
  }
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error / power;
}

struct Mode {
  const char* precision;
  const char* variant;
  double gradients;  // NMSE
  double loss;       // relative
};
// Deep gradients differ by the pooled pixels that nearly tie: rounding chooses among them.
constexpr Mode kModes[] = {{"fp32", "auto", 1e-4, 1e-5},     {"tf32", "auto", 3e-2, 2e-3},
                           {"fp16", "mma", 3e-2, 2e-3},      {"fp16", "wmma", 3e-2, 2e-3},
                           {"fp16", "mma_sm70", 3e-2, 2e-3}, {"bf16", "auto", 1e-1, 1e-2}};

TEST_CASE("loss and gradients of whole networks are the CPU's") {
  CpuBackend cpu({4});  // gpu_check runs other tests beside this one
  for (const Size& size : sizes()) {
    CAPTURE(std::string(size.network));
    CAPTURE(size.extents.height);
    const Pass expected = run(cpu, size, true);
    for (const Mode& mode : kModes) {
      CAPTURE(std::string(mode.precision));
      CAPTURE(std::string(mode.variant));
      if (!runs_here({0, mode.precision, mode.variant})) continue;
      const std::unique_ptr<Backend> gpu = make_cuda_backend({0, mode.precision, mode.variant});
      const Pass found = run(*gpu, size, true);
      CHECK(found.loss == doctest::Approx(expected.loss).epsilon(mode.loss));
      const double error = nmse_of(found.gradients, expected.gradients);
      CHECK(error <= mode.gradients);
      MESSAGE(std::string(size.network), " ", size.extents.batch, " x ", size.extents.height, "x", size.extents.width,
              " ", mode.precision, " ", mode.variant, ": gradients differ by an NMSE of ", error);
    }
  }
}

TEST_CASE("the same pass gives the same bits twice") {
  for (const Mode& mode : kModes) {
    CAPTURE(std::string(mode.precision));
    if (!runs_here({0, mode.precision, mode.variant})) continue;
    const std::unique_ptr<Backend> gpu = make_cuda_backend({0, mode.precision, mode.variant});
    const Pass once = run(*gpu, sizes().front(), true);
    const Pass again = run(*gpu, sizes().front(), true);
    CHECK(once.loss == again.loss);
    CHECK(once.gradients == again.gradients);
  }
}

TEST_CASE("unfused and fused operations agree at full size") {
  const std::unique_ptr<Backend> gpu = make_cuda_backend({});
  for (const Size& size : {sizes()[0], sizes()[1]})
    CHECK(nmse_of(run(*gpu, size, false).gradients, run(*gpu, size, true).gradients) <= 1e-4);
}

}  // namespace
}  // namespace n2s::test
