// Runs every step on a GPU: checks it, then times it on two layers of the MRI network, batch 16.
#include <fmt/format.h>

#include <cstdlib>

#include "bench/conv3x3_series/checker.h"
#include "kernels/base/error.h"
#include "kernels/device/device_info.h"

using namespace n2s::series;

namespace {

constexpr Shape kSmall{2, 22, 36, 32, 48, 1}, kSmallDoubled{1, 20, 28, 48, 32, 2};
constexpr Shape kLayer{16, 256, 256, 48, 48, 1}, kDoubledLayer{16, 256, 256, 96, 64, 2};

double gigaflop(const Shape& s) {
  return 18e-9 * s.images * s.height * s.width * s.inputs * s.outputs;
}

int run() {
  const n2s::device::CudaInfo gpu = n2s::device::cuda_info();
  if (gpu.devices.empty()) {
    fmt::print("skipped: {}\n", gpu.why_none);
    return 77;
  }
  fmt::print("{}\n\n{:<30}{:>10}{:>10}{:>10}{:>12}{:>10}\n", gpu.devices.front().name, "", "error", "48 -> 48",
             "TFLOP/s", "96 up -> 64", "TFLOP/s");
  int failed = 0;
  for (const Step& step : steps()) {
    double error = error_of(step, kSmall);
    if (const double doubled = error_of(step, kSmallDoubled); doubled > error) error = doubled;
    failed += error <= allowed_error(step) ? 0 : 1;
    const double plain = milliseconds(step, kLayer);
    const double doubled = milliseconds(step, kDoubledLayer);
    fmt::print("{:<30}{:>10.1e}{:>7.3f} ms{:>10.2f}{:>9.3f} ms{:>10.2f}\n", step.name, error, plain,
               gigaflop(kLayer) / plain, doubled, gigaflop(kDoubledLayer) / doubled);
  }
  for (const WeightGradientStep& step : weight_gradient_steps()) {
    const double error = error_of(step, kSmall);
    failed += error <= kAllowedOfWeightGradient ? 0 : 1;
    const double plain = milliseconds(step, kLayer);
    fmt::print("{:<30}{:>10.1e}{:>7.3f} ms{:>10.2f}\n", step.name, error, plain, gigaflop(kLayer) / plain);
  }
  fmt::print("\nGFLOP are counted as direct convolution.{}\n",
             failed > 0 ? fmt::format(" {} steps are wrong.", failed) : "");
  return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const n2s::Error& error) {
    fmt::print(stderr, "conv3x3_series: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
