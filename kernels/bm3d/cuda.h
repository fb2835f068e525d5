// BM3D on a GPU: the same values as bm3d() on a CPU with fused multiply-add, bit for bit.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <span>

#include "kernels/bm3d/stage.h"

namespace n2s::device {

/// Where a stage's parts lie in device memory.
struct DeviceBm3dStage {
  BlockSearch search;
  bool is_wiener = false;
  float limit = 0;
  const Shift* order = nullptr;
  const float* forward = nullptr;  // matrices and window of kBlockSize floats
  const float* inverse = nullptr;
  const float* window = nullptr;
};

/// Bytes of a stage's tables, and the stage with its tables in `tables`. They are copied in stream order: `setup` must
/// live until that is done.
std::size_t bm3d_table_bytes(const Bm3dStageSetup& setup);
DeviceBm3dStage upload_bm3d_stage(const Bm3dStageSetup& setup, std::byte* tables, cudaStream_t stream);

/// One stage. Planes have rows without gaps and at least 8 x 8 pixels, in [-1, 1] (stage.h). `estimate` may be
/// `guide`'s memory, not `noisy`'s.
struct DeviceBm3d {
  DeviceBm3dStage stage;
  int height = 0, width = 0;
  const float* noisy = nullptr;
  const float* guide = nullptr;  // blocks are matched in it: `noisy`, or the first estimate in the Wiener stage
  float* estimate = nullptr;
  std::byte* scratch = nullptr;  // bm3d_scratch_bytes()
};
std::size_t bm3d_scratch_bytes(int height, int width);
void bm3d_stage(const DeviceBm3d& problem, cudaStream_t stream);

}  // namespace n2s::device
