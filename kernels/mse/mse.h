// Mean squared error and its gradient, the training loss (Papkov et al. 2020, section 2.1.2).
#pragma once

#include <span>

#include "kernels/base/tensor.h"
#include "kernels/base/thread_pool.h"

namespace n2s {

/// gradient = 2 (prediction - target) / elements; returns mean((prediction - target)^2). All three have one shape.
/// Partial sums are in double, over chunks of fixed size, reduced in fixed order: the same for any number of threads.
double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, FloatTensor gradient, ThreadPool& pool);

/// The loss alone.
double mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, ThreadPool& pool);

/// The same over the pixels whose target is not NaN alone, divided by their number; elsewhere the gradient is 0. The
/// loss is 0 where all targets are NaN.
double masked_mean_squared_error(ConstFloatTensor prediction, ConstFloatTensor target, FloatTensor gradient,
                                 ThreadPool& pool);

/// The same by definition, for tests; all three have one length.
double mean_squared_error_reference(std::span<const double> prediction, std::span<const double> target,
                                    std::span<double> gradient);

}  // namespace n2s
