// Samples that follow each other in a file without compression: what simple formats write behind their header.
#pragma once

#include <cstdint>
#include <span>

#include "data/atomic_file.h"
#include "data/image.h"

namespace n2s {

/// Appends the values as samples of `type`. Throws Error as AtomicFile::write does.
void write_raw_samples(AtomicFile& file, std::span<const float> values, SampleType type, bool swapped);

}  // namespace n2s
