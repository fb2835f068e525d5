// The vector instructions that are used, chosen at run time: one binary runs on any CPU of its family.
#pragma once

#include <string>

namespace n2s {

/// Name of the best instruction set that this CPU has and Highway knows, e.g. "AVX3" (AVX-512) or "AVX2".
std::string simd_name();

}  // namespace n2s
