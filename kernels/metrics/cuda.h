// PSNR, NRMSE and SSIM of many planes on a GPU: computes their sums (image_metrics.h), as data/metrics.h does on the
// CPU. Sums are in double and in fixed order: the same from run to run.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/base/image_metrics.h"

namespace n2s::device {

/// Applied in this order: the affine map of the result onto the truth, the clamp of both, the metrics.
struct MetricSettings {
  bool affine = false;  // per plane: the map with the least squared error
  bool clamp = false;   // limit both images to [clamp_low, clamp_high]
  double clamp_low = -0.5, clamp_high = 0.5;
  double data_range = 1;  // of SSIM, in the images' units
};

inline constexpr int kMostMetricPlanes = 65535;  // at once

/// Bytes of device memory for partial sums.
std::size_t image_metrics_scratch_bytes(int planes, int height, int width);

/// All pointers are device memory; `result` and `truth` hold planes * height * width pixels, `sums` and `maps` have one
/// element per plane.
struct DeviceImageMetrics {
  const float* result = nullptr;
  const float* truth = nullptr;
  int planes = 0;             // at most kMostMetricPlanes
  int height = 0, width = 0;  // pixels
  MetricSettings settings;
  MetricSums* sums = nullptr;
  AffineMap* maps = nullptr;  // always written: 1 and 0 without `affine`
  void* scratch = nullptr;
};

/// Throws Error for planes without pixels, or more planes than there can be.
void image_metrics(const DeviceImageMetrics& problem, cudaStream_t stream);

}  // namespace n2s::device
