// The 3x3 convolution in double precision, quick enough to train a whole network in a test. It says the same as
// the conv3x3_*_reference functions, with which golden_test.cpp compares it; the plain loops would take minutes.
#pragma once

#include "kernels/base/thread_pool.h"
#include "kernels/conv3x3/conv3x3.h"

namespace n2s {

void double_forward(const Conv3x3Forward& problem, ThreadPool& pool);
void double_data_gradient(const Conv3x3DataGradient& problem, ThreadPool& pool);
void double_weight_gradient(const Conv3x3WeightGradient& problem, ThreadPool& pool);

}  // namespace n2s
