// The caller's arrays as the verbs get them.
#pragma once

#include <map>
#include <string>

#include "data/lent_arrays.h"
#include "tools/library/n2s.h"

namespace n2s {

/// Throws UsageError where an argument is NULL; `name` is the argument's.
void require(const void* argument, const char* name);

/// Throws UsageError for an array that makes no sense.
LentArray lent(const n2s_array* array, const char* name);

/// Input and output of a call, under the names "noisy" and "restored". Large images are read while others of their
/// planes are written already, so the two must not share memory: throws UsageError.
std::map<std::string, LentArray> in_and_out(const n2s_array* noisy, const n2s_array* restored);

}  // namespace n2s
