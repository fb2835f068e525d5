// Batch assembly on a GPU, from planes that stay in device memory. The GPU also draws which planes a batch shows, so
// the step's number is all that the host provides.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <optional>

#include "kernels/device/tensor.h"
#include "kernels/gather_planes/batch_plan.h"
#include "kernels/gather_planes/window.h"
#include "kernels/kspace/cuda.h"
#include "kernels/noise/noise.h"

namespace n2s::device {

/// A stack in device memory; its planes are contiguous.
struct ResidentStack {
  int height = 0, width = 0;        // pixels
  const float* source = nullptr;    // null where only spectra are needed
  const float* target = nullptr;    // null: there is no second stack
  const float2* spectra = nullptr;  // of the source, for noise that is made in frequency space; null: none
};

/// The plane that the target of a sample shows.
struct ResidentTarget {
  int stack = 0, plane = 0;
};

/// The dataset that batches are drawn from. All pointers are device memory.
struct ResidentSet {
  const ResidentStack* stacks = nullptr;
  const ResidentTarget* targets = nullptr;  // [count]
  const int* neighbours = nullptr;          // [count][planes]: the input planes of each target
  const std::uint32_t* order = nullptr;     // [count]: the order of the current epoch
  std::uint32_t count = 0;
};

/// How batches are drawn.
struct BatchRules {
  int batch = 0, planes = 0;
  Augmentation augmentation;
  std::uint64_t seed = 0;
  bool noise = false;  // noise is simulated
  TargetOf target = TargetOf::source_copy;
};

/// The window of a sample.
struct PlannedSample {
  int height = 0, width = 0;  // of the planes, pixels
  SampleDraw draw;
};

/// A plane of a sample.
struct PlannedPlane {
  const float* pixels = nullptr;
  bool noisy = false;  // noise is added while the pixels are gathered
  RandomKey key;       // of this noise
};

/// The plan of a batch, in device memory: for each sample its input planes, then its target.
struct BatchPlan {
  PlannedSample* samples = nullptr;  // [batch]
  PlannedPlane* planes = nullptr;    // [batch][planes + 1]
  /// For noise in frequency space: the spectra of the planes that may get it, and the memory for the planes made from
  /// them, contiguous. Null: no such noise.
  KspacePlane* corrupted = nullptr;  // [batch][corrupted_planes]
  const float* corrupted_pixels = nullptr;
  int corrupted_planes = 0;  // per sample: planes + 1, or planes without the target
};

/// *to = step, in device memory.
void set_batch_step(const BatchStep& step, BatchStep* to, cudaStream_t stream);

/// Plans the batch of `*step` (device memory).
void plan_batch(const ResidentSet& set, const BatchRules& rules, const BatchStep* step, const BatchPlan& plan,
                cudaStream_t stream);

/// out(n, y, x, channel) = the window of plane planes[n * stride + channel], with its noise; padding is zero. The
/// tensor has the crop's size.
struct DeviceGather {
  const PlannedSample* samples = nullptr;
  const PlannedPlane* planes = nullptr;
  int stride = 0;
  Augmentation augmentation;
  std::optional<PixelNoise> noise;  // added to the planes that the plan marks as noisy
  PixelUnits units;
  DeviceTensor out;
};
void gather_planes(const DeviceGather& problem, Precision precision, cudaStream_t stream);

}  // namespace n2s::device
