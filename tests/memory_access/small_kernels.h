// Small kernels for the race check: `correct` selects the version with or without a race.
#pragma once

#include <cuda_runtime.h>

namespace n2s::test {

/// `out` has one value per thread: 64.
void write_then_read(bool correct, float* out);
void write_then_read_in_warp(bool correct, float* out);
void double_buffer(bool correct, float* out);
void some_lanes(bool correct, float* out);
void neighbouring_bytes(bool correct, float* out);
void wait_for_copy(bool correct, const float* in, float* out);

/// 32 threads read words `stride` apart.
void read_apart(int stride, float* out);

}  // namespace n2s::test
