// Plans a batch on a GPU: which planes each sample shows, its window, and the keys of its noise. One plane per thread.
#include "kernels/device/grid.h"
#include "kernels/gather_planes/cuda.h"

namespace n2s::device {
namespace {

/// One plane of one sample of the batch; the target comes after the input planes.
struct Slot {
  int sample = 0, channel = 0;
  bool is_target = false;
};

__device__ PlannedPlane plan_plane(const ResidentStack& stack, const BatchRules& rules, const BatchStep& step,
                                   const Slot& slot, int plane) {
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(plane) * stack.height * stack.width;
  if (slot.is_target && stack.target != nullptr) return {stack.target + first, false, {}};
  PlannedPlane planned;
  planned.pixels = stack.source != nullptr ? stack.source + first : nullptr;
  planned.noisy = rules.noise && !(slot.is_target && rules.target == TargetOf::clean_source);
  const bool second = slot.is_target && rules.target == TargetOf::second_copy;
  planned.key = sample_noise_key(rules.seed, second ? Purpose::noise_target : Purpose::noise_input, step, rules.batch,
                                 slot.sample, plane);
  return planned;
}

/// Enters the plane in the list of those that get noise in frequency space.
__device__ void plan_corruption(const ResidentStack& stack, const BatchPlan& plan, const Slot& slot, int plane,
                                PlannedPlane& planned) {
  if (slot.channel >= plan.corrupted_planes) return;
  const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(slot.sample) * plan.corrupted_planes + slot.channel;
  KspacePlane corrupted;
  if (planned.noisy) {
    const std::ptrdiff_t bins = static_cast<std::ptrdiff_t>(stack.height) * (stack.width / 2 + 1);
    corrupted = {stack.spectra + plane * bins, planned.key};
    planned.pixels = plan.corrupted_pixels + index * stack.height * stack.width;
    planned.noisy = false;
  }
  plan.corrupted[index] = corrupted;
}

__global__ void plan_kernel(const ResidentSet set, const BatchRules rules, const BatchStep* at, const BatchPlan plan) {
  const auto i = static_cast<int>(grid_index());
  const int planes = rules.planes + 1;
  if (i >= rules.batch * planes) return;
  const Slot slot{i / planes, i % planes, i % planes == rules.planes};
  const BatchStep step = *at;
  const std::uint32_t number = set.order[place_in_epoch(step.step, rules.batch, slot.sample, set.count)];
  const ResidentTarget target = set.targets[number];
  const ResidentStack stack = set.stacks[target.stack];
  const int* neighbours = set.neighbours + static_cast<std::ptrdiff_t>(number) * rules.planes;
  const int plane = slot.is_target ? target.plane : neighbours[slot.channel];
  PlannedPlane planned = plan_plane(stack, rules, step, slot, plane);
  if (plan.corrupted != nullptr) plan_corruption(stack, plan, slot, plane, planned);
  plan.planes[i] = planned;
  if (!slot.is_target) return;
  const RandomKey key = variation_key(rules.seed, step, slot.sample);
  plan.samples[slot.sample] = {stack.height, stack.width,
                               draw_sample(rules.augmentation, stack.height, stack.width, key)};
}

__global__ void set_step_kernel(const BatchStep step, BatchStep* to) {
  *to = step;
}

}  // namespace

void set_batch_step(const BatchStep& step, BatchStep* to, cudaStream_t stream) {
  launch("setting a batch's step", set_step_kernel, {dim3(1), dim3(1), 0, stream}, step, to);
}

void plan_batch(const ResidentSet& set, const BatchRules& rules, const BatchStep* step, const BatchPlan& plan,
                cudaStream_t stream) {
  const auto slots = static_cast<std::size_t>(rules.batch) * static_cast<std::size_t>(rules.planes + 1);
  launch("planning a batch", plan_kernel, grid_for(slots, stream), set, rules, step, plan);
}

}  // namespace n2s::device
