// Writes the valid part of each tile of a batch into the output planes, in device memory.
#pragma once

#include <cuda_runtime.h>

#include "kernels/device/tensor.h"
#include "kernels/scatter_tiles/scatter_tiles.h"

namespace n2s::device {

/// scatter_tile() for each of the first `count` tiles. The valid parts do not overlap.
struct DeviceScatter {
  DeviceTensor tiles;              // one channel
  const KeptTile* kept = nullptr;  // [count], device memory
  int count = 0;                   // at most tiles.shape.batch
  float* planes = nullptr;         // device memory, planes of height * width pixels
  int height = 0, width = 0;
};

/// Throws Error where the sizes do not fit together.
void scatter_tiles(const DeviceScatter& problem, Precision precision, cudaStream_t stream);

}  // namespace n2s::device
