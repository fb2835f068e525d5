// Objects in images: what a restored stack is worth for the step that usually follows (Papkov et al. 2020, figure 6).
// The threshold is Otsu's (1979): the one that leaves the least variance within the two classes.
#pragma once

#include <span>

#include "data/stack.h"

namespace n2s {

/// Between the classes "dark" and "bright" of finite values; their own value where all are the same. From 1024 bins
/// between the values' percentiles 0.1 and 99.9.
double otsu_threshold(std::span<const float> values);

/// 1 where the stack, smoothed a little (a Gaussian of about one pixel), is above the threshold of all its planes, 0
/// elsewhere.
Stack otsu_masks(const Stack& stack);

/// Connected regions (8 neighbours) of values above 0.5 that have at least `least_pixels`.
int count_objects(std::span<const float> mask, int height, int width, int least_pixels);

/// 2 |A and B| / (|A| + |B|) of values above 0.5; 1 where both are empty.
double dice(std::span<const float> a, std::span<const float> b);

}  // namespace n2s
