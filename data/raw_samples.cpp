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

std::size_t named_sample_count(const std::string& name, const std::vector<Axis>& axes) {
  try {
    return sample_count(axes);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}; the file is damaged", name, error.what()));
  }
}

}  // namespace

void read_raw_samples(const InputFile& file, std::uint64_t offset, bool swapped, Image& image) {
  const std::size_t count = named_sample_count(file.name(), image.axes);
  const std::size_t size = sample_bytes(image.type);
  const std::uint64_t have = file.size() - std::min(file.size(), offset);
  if (have < count * size) fail_ends_early(file.name(), have, count * size, "samples");
  check_memory(file.name(), count * sizeof(float));
  image.values.resize(count);
  std::vector<std::byte> stored(std::min(count, kStep) * size);
  for (std::size_t done = 0; done < count; done += kStep) {
    const std::span<float> values = std::span(image.values).subspan(done, std::min(kStep, count - done));
    const std::span<std::byte> bytes = std::span(stored).first(values.size() * size);
    const std::size_t got = file.read_at(offset + done * size, bytes);
    if (got < bytes.size()) fail_ends_early(file.name(), done * size + got, count * size, "samples");
    decode_samples(bytes, image.type, swapped, {}, values);
  }
}

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
