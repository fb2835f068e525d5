// See simulated_scans.h.
#include "tools/experiments/simulated_scans.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/atomic_file.h"
#include "data/image.h"
#include "data/phantom.h"
#include "kernels/base/philox.h"
#include "tools/experiments/ixi.h"

namespace n2s {
namespace {

constexpr float kBrightest = 900;  // int16 values, as scanners have them
constexpr double kNoise = 4;       // of each of the two parts of the complex signal

/// The magnitude of a complex signal with noise in both parts.
void add_scanner_noise(Stack& head, std::uint64_t seed, int subject) {
  for (int p = 0; p < head.planes; ++p) {
    const RandomKey key{seed, Purpose::noise_input, static_cast<std::uint32_t>(subject), static_cast<std::uint32_t>(p),
                        0};
    std::uint32_t drawn = 0;
    for (float& voxel : plane_of(head, p)) {
      const double real = kBrightest * voxel + kNoise * random_normal(key, drawn++);
      const double imaginary = kNoise * random_normal(key, drawn++);
      voxel = static_cast<float>(std::hypot(real, imaginary));
    }
  }
}

Image scan_of(Stack head) {
  Image image = image_of(std::move(head));
  image.axes[0].spacing = 1.2;
  image.axes[1].spacing = image.axes[2].spacing = 0.9375;
  image.unit = "mm";
  image.type = SampleType::int16;
  return image;
}

std::vector<int> subjects_of(int count) {
  const int test = std::max(2, count / 6);
  std::vector<int> subjects = ixi_training_pool();
  const std::vector<int> last = ixi_test_subjects();
  // Of the pool the last ones, which validate, and the first of the others.
  subjects.erase(subjects.begin() + std::max(0, count - test - kIxiValidation), subjects.end() - kIxiValidation);
  subjects.insert(subjects.end(), last.begin(), last.begin() + test);
  return subjects;
}

}  // namespace

std::vector<std::string> simulate_scans(const std::filesystem::path& folder, const ScanSettings& settings,
                                        bool overwrite, ThreadPool& pool) {
  const std::vector<int> subjects = subjects_of(settings.subjects);
  std::vector<std::string> files;
  for (const int subject : subjects) {
    files.push_back((folder / fmt::format("{}-Simulated-0000-T1.nii.gz", ixi_subject_name(subject))).string());
    check_output_path(files.back(), overwrite);
  }
  pool.parallel_for(static_cast<std::ptrdiff_t>(subjects.size()), [&](std::ptrdiff_t i, int) {
    const int subject = subjects[static_cast<std::size_t>(i)];
    Stack head = head_phantom(settings.planes, settings.side, settings.side,
                              static_cast<std::uint32_t>(subject) + 1000 * static_cast<std::uint32_t>(settings.seed));
    add_scanner_noise(head, settings.seed, subject);
    WriteOptions write;
    write.overwrite = overwrite;
    write_image(files[static_cast<std::size_t>(i)], scan_of(std::move(head)), write);
  });
  return files;
}

}  // namespace n2s
