// What the variants of NVIDIA's libraries share: scratch memory in regions, and operands as the libraries read them.
#pragma once

#include <cstddef>

#include "kernels/conv3x3/unfused/unfused.h"

namespace n2s::device::unfused {

/// Regions of scratch memory, one after the other. Without memory it only counts.
class Regions {
 public:
  explicit Regions(std::byte* memory) : memory_(memory) {}
  void* take(std::size_t bytes) {
    constexpr std::size_t kAlignment = 256;
    void* region = memory_ != nullptr ? memory_ + bytes_ : nullptr;
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return region;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* memory_;
  std::size_t bytes_ = 0;
};

inline void* writable(const void* data) {
  return const_cast<void*>(data);  // NOLINT(cppcoreguidelines-pro-type-const-cast): operands that are only read
}

/// The source as libraries can read it.
inline void* whole_source(const ConvSource& source, const Conv3x3Layer& l, Precision precision, void* scratch,
                          cudaStream_t stream) {
  if (!source.low) return writable(source.skip.data);
  join_source(source, l, precision, scratch, stream);
  return scratch;
}

inline void* whole_output_gradient(const ConvOutputGradient& from, const Conv3x3Layer& l, Precision precision,
                                   void* scratch, cudaStream_t stream) {
  if (!from.pooled) return writable(from.dense.data);
  join_output_gradient(from, l, precision, scratch, stream);
  return scratch;
}

}  // namespace n2s::device::unfused
