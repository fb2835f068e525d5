// Adam on a GPU: all parameters in one launch, fp32 whatever the network computes in, with the dynamic loss scaling
// that fp16 gradients need (Micikevicius et al. 2018, "Mixed precision training").
#pragma once

#include <cuda_runtime.h>

#include "kernels/adam/adam.h"

namespace n2s::device {

/// What changes from step to step, in device memory: a captured step reads it anew each time.
struct AdamStep {
  float beta1 = 0, rest1 = 0, beta2 = 0, rest2 = 0;  // rest = 1 - beta, rounded once
  float rate = 0;                                    // learning rate / (1 - beta1^step)
  float correction = 0;                              // 1 / sqrt(1 - beta2^step)
  float epsilon = 0;
};
AdamStep adam_step(const AdamSettings& settings, long step);

/// *to = step, in device memory; nothing is waited for.
void set_adam_step(const AdamStep& step, AdamStep* to, cudaStream_t stream);

/// The gradients' scale and what became of the last step, in device memory.
struct LossScale {
  float scale = 1;
  int dynamic = 0;     // 0: the scale stays as it is
  int good_steps = 0;  // since it last changed
  int overflow = 0;    // gradients that are not finite have been seen in this step
  int skipped = 0;     // the last step changed nothing, because of them
};

/// Parameters and moments move by one step, or stay as they are where a gradient is not finite or the loss is not. The
/// scale is halved then; after 2000 steps without it is doubled. All pointers are device memory.
struct DeviceAdam {
  float* parameters = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  const float* gradients = nullptr;
  std::size_t count = 0;
  const AdamStep* step = nullptr;
  LossScale* scale = nullptr;
  const double* loss = nullptr;  // null: not looked at
};
void adam(const DeviceAdam& problem, cudaStream_t stream);

}  // namespace n2s::device
