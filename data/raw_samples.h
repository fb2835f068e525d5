// Samples that follow each other in a file without compression: what simple formats hold behind their header.
#pragma once

#include <cstdint>
#include <span>

#include "data/atomic_file.h"
#include "data/image.h"
#include "data/input_file.h"

namespace n2s {

/// Fills image.values, for image.axes and image.type, from `offset` bytes on. `swapped`: the samples' byte order is not
/// this machine's. Throws Error where the file ends early, or where there is not enough memory.
void read_raw_samples(const InputFile& file, std::uint64_t offset, bool swapped, Image& image);

/// Appends the values as samples of `type`. Throws Error as AtomicFile::write does.
void write_raw_samples(AtomicFile& file, std::span<const float> values, SampleType type, bool swapped);

}  // namespace n2s
