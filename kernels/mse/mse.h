// Mean squared error and its gradient, the training loss (Papkov et al. 2020, section 2.1.2).
#pragma once

#include "kernels/base/tensor.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// gradient = 2 (prediction - target) / elements; returns mean((prediction - target)^2). All three have one shape.
/// The sum is in double, over pieces of fixed size in fixed order: the same for any number of threads.
double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, FloatTensor gradient, ThreadPool& pool);

/// The loss alone.
double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, ThreadPool& pool);

}  // namespace n2s
