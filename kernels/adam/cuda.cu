// Adam on a GPU, one parameter per thread, after a kernel that looks for overflow; then the loss scale is updated.
#include <cmath>

#include "kernels/adam/cuda.h"
#include "kernels/device/grid.h"

namespace n2s::device {
namespace {

constexpr int kStepsToDouble = 2000;
constexpr float kLargestScale = 65536;

__global__ void find_overflow_kernel(const DeviceAdam a) {
  const std::size_t i = grid_index();
  bool finite = i >= a.count || isfinite(a.gradients[i]);
  if (i == 0 && a.loss != nullptr) finite = finite && isfinite(*a.loss);
  if (!finite) atomicOr(&a.scale->overflow, 1);
}

__global__ void adam_kernel(const DeviceAdam a) {
  const std::size_t i = grid_index();
  if (i >= a.count || a.scale->overflow != 0) return;
  const AdamStep s = *a.step;
  const float g = a.gradients[i] / a.scale->scale;
  const float m = s.beta1 * a.first_moment[i] + s.rest1 * g;
  const float v = s.beta2 * a.second_moment[i] + s.rest2 * g * g;
  a.first_moment[i] = m;
  a.second_moment[i] = v;
  a.parameters[i] -= s.rate * m / (sqrtf(v) * s.correction + s.epsilon);
}

__global__ void update_scale_kernel(LossScale* state) {
  LossScale s = *state;
  s.skipped = s.overflow;
  s.overflow = 0;
  s.good_steps = s.skipped != 0 ? 0 : s.good_steps + 1;
  if (s.dynamic != 0) {
    if (s.skipped != 0) s.scale = fmaxf(s.scale / 2, 1.0F);
    if (s.good_steps == kStepsToDouble) {
      s.scale = fminf(s.scale * 2, kLargestScale);
      s.good_steps = 0;
    }
  }
  *state = s;
}

__global__ void set_step_kernel(const AdamStep step, AdamStep* to) {
  *to = step;
}

}  // namespace

AdamStep adam_step(const AdamSettings& s, long step) {
  AdamStep result;
  result.beta1 = static_cast<float>(s.beta1);
  result.beta2 = static_cast<float>(s.beta2);
  result.rest1 = static_cast<float>(1 - s.beta1);
  result.rest2 = static_cast<float>(1 - s.beta2);
  result.rate = static_cast<float>(s.learning_rate / (1 - std::pow(s.beta1, step)));
  result.correction = static_cast<float>(1 / std::sqrt(1 - std::pow(s.beta2, step)));
  result.epsilon = static_cast<float>(s.epsilon);
  return result;
}

void set_adam_step(const AdamStep& step, AdamStep* to, cudaStream_t stream) {
  launch("Adam, settings", set_step_kernel, {dim3(1), dim3(1), 0, stream}, step, to);
}

void adam(const DeviceAdam& problem, cudaStream_t stream) {
  if (problem.count == 0) return;
  launch("Adam, overflow", find_overflow_kernel, grid_for(problem.count, stream), problem);
  launch("Adam", adam_kernel, grid_for(problem.count, stream), problem);
  launch("Adam, loss scale", update_scale_kernel, {dim3(1), dim3(1), 0, stream}, problem.scale);
}

}  // namespace n2s::device
