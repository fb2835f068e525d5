// See second_copy.h.
#include "tools/second_copy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "data/normalisation.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

struct Moments {
  double mean = 0, deviation = 0;
};
/// Of all but the lowest and the highest thousandth: a hot pixel would outweigh the rest.
Moments moments_of(const std::vector<float>& values) {
  std::vector<float> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](float v) { return std::isfinite(v); });
  const double lowest = percentile(finite, 0.1);
  const double highest = percentile(finite, 99.9);
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (const float v : finite) {
    if (v < lowest || v > highest) continue;
    ++count;
    sum += v;
    squares += double{v} * v;
  }
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

/// The mean of two restored copies is of use only where both have the same levels; noise leaves these as they are.
void check_same_levels(const LoadedFile& file, const LoadedFile& second) {
  constexpr double kShift = 0.2;  // of a deviation
  constexpr double kScale = 1.25;
  for (std::size_t i = 0; i < file.stacks.size(); ++i) {
    const Moments a = moments_of(file.stacks[i].voxels);
    const Moments b = moments_of(second.stacks[i].voxels);
    const double larger = std::max(a.deviation, b.deviation);
    const double smaller = std::min(a.deviation, b.deviation);
    if (std::abs(a.mean - b.mean) <= kShift * larger && larger <= kScale * smaller) continue;
    throw Error(
        fmt::format("--second {}: its levels (mean {:.4g}, deviation {:.4g}) are not those of {} ({:.4g}, {:.4g}): not "
                    "a second copy of the same exposure; n2s train --target learns from copies that differ",
                    second.name_of(i), b.mean, b.deviation, file.name_of(i), a.mean, a.deviation));
  }
}

}  // namespace

LoadedFile load_second_copy(const std::string& path, const LoadedFile& file, const InputOptions& input,
                            const CommonOptions& common) {
  LoadedFile second = load_noisy_file(path, input, common);
  const auto shape = [](const Stack& s) { return std::array{s.planes, s.height, s.width}; };
  if (second.stacks.size() != file.stacks.size() || shape(second.stacks.front()) != shape(file.stacks.front()))
    throw Error(fmt::format("--second {}: {}, but {} is {}; two copies have the same shape", path,
                            describe_axes(second.image.axes), file.path, describe_axes(file.image.axes)));
  warn_of_other_directions(file, second);
  check_same_levels(file, second);
  return second;
}

void average(const std::vector<Stack>& with, std::vector<Stack>& results) {
  for (std::size_t i = 0; i < results.size(); ++i)
    std::transform(results[i].voxels.begin(), results[i].voxels.end(), with[i].voxels.begin(),
                   results[i].voxels.begin(), [](float a, float b) { return (a + b) / 2; });
}

}  // namespace n2s
