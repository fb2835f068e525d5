// One of BM3D's two stages as a device runs it: what is common to CPU and GPU. Values are those of the plane, moved and
// scaled to [-1, 1]; sums over blocks are integers, so that they do not depend on the order in which blocks come.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/block_matching/block_matching.h"
#include "kernels/bm3d/bm3d.h"
#include "kernels/bm3d/transforms.h"

namespace n2s {

inline constexpr int kBlock = 8;  // pixels along each side of a block
inline constexpr int kBlockSize = kBlock * kBlock;

struct Bm3dStageSetup {
  BlockSearch search;
  std::vector<Shift> order;
  BlockTransform transform;
  std::vector<float> window;
  bool is_wiener = false;
  float limit = 0;  // coefficients below it are noise; Wiener: variance of the noise
};

/// From the plane's units to [-1, 1] and back; `scale` is 0 for a constant plane.
struct Bm3dScaling {
  double middle = 0, scale = 0, half = 0;
  float forward(float value) const { return static_cast<float>((double{value} - middle) * scale); }
  float back(float value) const { return static_cast<float>(double{value} * half + middle); }
};
/// Throws Error as bm3d() does.
Bm3dScaling bm3d_scaling(const Bm3dProblem& problem, std::span<const float> noisy);

/// `scale`: from the plane's units to [-1, 1].
Bm3dStageSetup threshold_setup(const Bm3dProblem& problem, double scale);
Bm3dStageSetup wiener_setup(const Bm3dProblem& problem, double scale);

/// Weights of pixels and weighted values as integers: units of 2^-28.
inline constexpr float kBm3dUnit = 268435456.0F;

/// Estimates beyond this, in [-1, 1]-units, are cut: overshoot of a damaged block.
inline constexpr float kBm3dLimit = 4.0F;

/// Squares of Wiener weights are summed in units of 2^-16.
inline constexpr float kBm3dSquareUnit = 65536.0F;

/// Sums over the blocks that cover a pixel: of its weights, and of its weighted estimates.
struct Bm3dSums {
  std::int64_t weight = 0, value = 0;
};

}  // namespace n2s
