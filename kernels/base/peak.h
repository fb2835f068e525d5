// The CPU's arithmetic ceiling: fused multiply-adds that never leave the registers.
#pragma once

#include <cstdint>

namespace n2s {

/// Runs on the calling thread with the best vector instructions. Returns the number of floating-point operations done;
/// `sink` receives a value that depends on all of them.
double multiply_add_in_registers(std::int64_t rounds, float* sink);

}  // namespace n2s
