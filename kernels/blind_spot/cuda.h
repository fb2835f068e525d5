// Hides pixels of a batch on a GPU: the same as hide_pixels() on the CPU.
#pragma once

#include <cuda_runtime.h>

#include "kernels/blind_spot/blind_spot.h"
#include "kernels/device/tensor.h"
#include "kernels/gather_planes/batch_plan.h"

namespace n2s::device {

/// Keys are blind_spot_key() of the step (device memory) and each image's place in the batch.
struct DeviceBlindSpots {
  BlindSpots spots;
  std::uint64_t seed = 0;
  const BatchStep* step = nullptr;
  DeviceTensor input;  // (N, H, W, C)
  int channel = 0;
  DeviceTensor target;  // (N, H, W, 1): the channel's own values; in and out
};
void hide_pixels(const DeviceBlindSpots& problem, Precision precision, cudaStream_t stream);

}  // namespace n2s::device
