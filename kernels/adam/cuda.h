// Adam on a GPU: all parameters in one launch, fp32 whatever the network computes in, with the dynamic loss scaling
// that fp16 gradients need (Micikevicius et al. 2018, "Mixed precision training").
#pragma once

#include <cuda_runtime.h>

#include "kernels/adam/adam.h"

namespace n2s::device {

/// The settings that change from step to step. They lie in device memory, where a captured step reads them at each
/// replay.
struct AdamStep {
  float beta1 = 0, rest1 = 0, beta2 = 0, rest2 = 0;  // rest = 1 - beta, rounded once
  float rate = 0;                                    // learning rate / (1 - beta1^step)
  float correction = 0;                              // 1 / sqrt(1 - beta2^step)
  float epsilon = 0;
};
AdamStep adam_step(const AdamSettings& settings, long step);

/// *to = step, in device memory; asynchronous.
void set_adam_step(const AdamStep& step, AdamStep* to, cudaStream_t stream);

/// The current loss scale, and whether the last step overflowed; in device memory.
struct LossScale {
  float scale = 1;
  int dynamic = 0;     // 0: the scale is constant
  int good_steps = 0;  // since the last overflow or change of scale
  int overflow = 0;    // this step has a gradient or loss that is not finite
  int skipped = 0;     // the last step overflowed and changed nothing
};

/// One step. If a gradient or the loss is not finite, parameters and moments stay unchanged and a dynamic scale is
/// halved; after 2000 good steps it is doubled. All pointers are device memory.
struct DeviceAdam {
  float* parameters = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  const float* gradients = nullptr;
  std::size_t count = 0;
  const AdamStep* step = nullptr;
  LossScale* scale = nullptr;
  const double* loss = nullptr;  // null: not checked
};
void adam(const DeviceAdam& problem, cudaStream_t stream);

}  // namespace n2s::device
