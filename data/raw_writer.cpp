// See raw_writer.h.
#include "data/raw_writer.h"

#include <utility>

namespace n2s {

RawWriter::RawWriter(const std::filesystem::path& path, Image header, std::string_view order,
                     const WriteOptions& options, SampleType type, bool swapped, Scaling scaling)
    : ImageWriter(std::move(header), order),
      file_(path, options.overwrite),
      type_(type),
      swapped_(swapped),
      scaling_(scaling),
      stored_(plane_samples() * sample_bytes(type)) {}

void RawWriter::write_stored(std::size_t number, std::span<const float> plane) {
  encode_samples(plane, type_, swapped_, scaling_, stored_);
  write_at(offset_ + number * stored_.size(), stored_);
}

}  // namespace n2s
