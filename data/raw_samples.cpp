// Converts a few MiB at a time, so that values are the only large memory.
#include "data/raw_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 18;  // samples

}  // namespace

void write_raw_samples(AtomicFile& file, std::span<const float> values, SampleType type, bool swapped) {
  const std::size_t size = sample_bytes(type);
  std::vector<std::byte> stored(std::min(values.size(), kStep) * size);
  for (std::size_t done = 0; done < values.size(); done += kStep) {
    const std::span<const float> part = values.subspan(done, std::min(kStep, values.size() - done));
    const std::span<std::byte> bytes = std::span(stored).first(part.size() * size);
    encode_samples(part, type, swapped, {}, bytes);
    file.write(bytes);
  }
}

}  // namespace n2s
