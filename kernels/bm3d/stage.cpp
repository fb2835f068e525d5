// See stage.h.
#include "kernels/bm3d/stage.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/error.h"

namespace n2s {
namespace {

BlockSearch search_of(const Bm3dStage& stage, double sigma) {
  return {kBlock, stage.step, stage.reach, stage.most, static_cast<float>(stage.farthest * sigma * sigma * kBlockSize)};
}

}  // namespace

Bm3dScaling bm3d_scaling(const Bm3dProblem& problem, std::span<const float> noisy) {
  const auto pixels = static_cast<std::size_t>(problem.height) * static_cast<std::size_t>(problem.width);
  if (pixels == 0 || noisy.size() != pixels) throw Error("BM3D: the plane's size and its height and width differ");
  if (!(problem.sigma > 0 && std::isfinite(problem.sigma))) throw Error("BM3D: the noise level must be above 0");
  const auto [low, high] = std::minmax_element(noisy.begin(), noisy.end());
  const double half = (double{*high} - double{*low}) / 2;
  if (half == 0) return {};
  return {double{*low} + half, 1 / half, half};
}

Bm3dStageSetup threshold_setup(const Bm3dProblem& problem, double scale) {
  const Bm3dStage& stage = problem.threshold;
  const double sigma = problem.sigma * scale;
  return {search_of(stage, sigma),
          search_order(stage.reach),
          wavelet_transform(kBlock),
          kaiser_window(kBlock),
          false,
          static_cast<float>(problem.deviations * sigma)};
}

Bm3dStageSetup wiener_setup(const Bm3dProblem& problem, double scale) {
  const Bm3dStage& stage = problem.wiener;
  const double sigma = problem.sigma * scale;
  return {search_of(stage, sigma),
          search_order(stage.reach),
          cosine_transform(kBlock),
          kaiser_window(kBlock),
          true,
          static_cast<float>(sigma * sigma)};
}

}  // namespace n2s
