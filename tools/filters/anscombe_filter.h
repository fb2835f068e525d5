// Makes a filter for Gaussian noise one for a camera's: by way of the generalised Anscombe transform.
#pragma once

#include "analysis/anscombe.h"
#include "tools/filters/filtered_file.h"

namespace n2s {

/// `filter` gets planes whose noise has the standard deviation 1, in the transform's units. Throws Error as Anscombe.
StackFilter anscombe_filter(const PoissonGaussian& noise, StackFilter filter);

}  // namespace n2s
