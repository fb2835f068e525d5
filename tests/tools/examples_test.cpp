// The examples do what the README says of them, run as programs.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "data/image.h"
#include "data/metrics.h"
#include "data/stack.h"
#include "tests/data/file_helpers.h"
#include "tests/kernels/random_image.h"

namespace n2s::test {
namespace {

constexpr int kPlanes = 10, kSide = 64;
constexpr std::size_t kVoxels = std::size_t{kPlanes} * kSide * kSide;

Stack smooth_stack() {
  Stack stack{kPlanes, kSide, kSide, std::vector<float>(kVoxels)};
  for (std::size_t i = 0; i < kVoxels; ++i) {
    const double x = static_cast<double>(i % kSide);
    const double y = static_cast<double>(i / kSide % kSide);
    stack.voxels[i] = static_cast<float>(500 + 300 * std::sin(x / 5) * std::cos(y / 7));
  }
  return stack;
}

void write_stack(const std::filesystem::path& path, const Stack& stack) {
  Image image;
  image.axes = {{'Z', kPlanes, 1}, {'Y', kSide, 1}, {'X', kSide, 1}};
  image.values = stack.voxels;
  write_image(path, image);
}

TEST_CASE("restore_stack removes noise by more than 5 dB, learning from the noisy stack alone") {
  const TemporaryFolder folder;
  const Stack clean = smooth_stack();
  Stack noisy = clean;
  const std::vector<float> noise = random_values(kVoxels, 3);  // in -1..1
  for (std::size_t i = 0; i < kVoxels; ++i) noisy.voxels[i] += 150 * noise[i];
  write_stack(folder / "noisy.tif", noisy);

  const std::string command = std::string(N2S_EXAMPLES) + "/restore_stack " + (folder / "noisy.tif").string() + " " +
                              (folder / "restored.tif").string() + " 150";
  REQUIRE(std::system(command.c_str()) == 0);  // NOLINT: one thread
  const Image image = read_image(folder / "restored.tif");
  const Stack restored = take_stack(image, select_stack(image));
  MetricOptions options;
  options.data_range = 600;
  const double before = stack_metrics(noisy, clean, options).psnr.mean;
  const double after = stack_metrics(restored, clean, options).psnr.mean;
  CAPTURE(before);
  CAPTURE(after);
  CHECK(after > before + 5);
}

TEST_CASE("restore_stack without arguments says how to use it") {
  CHECK(std::system((std::string(N2S_EXAMPLES) + "/restore_stack 2>/dev/null").c_str()) != 0);  // NOLINT: one thread
}

}  // namespace
}  // namespace n2s::test
