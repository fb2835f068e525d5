// Which vector instructions the processor has: chosen at run time, so one binary runs on any processor of its family.
#pragma once

#include <string>

namespace n2s {

/// Name of the best instruction set that this processor has and Highway knows, e.g. "AVX3" (AVX-512) or "AVX2".
std::string simd_name();

}  // namespace n2s
