// See downstream.h.
#include "tools/experiments/downstream.h"

#include "analysis/segmentation.h"
#include "tools/streamed_denoise.h"

namespace n2s {

Stack mask_target(const Stack& truth, const Normalisation& normalisation) {
  Stack masks = otsu_masks(truth);
  undo_normalisation(normalisation, masks.voxels);
  return masks;
}

Segmentation::Segmentation(const std::filesystem::path& model, const Device& device, const CommonOptions& common)
    : model_(load_model(model)), device_(&device), common_(common) {
  common_.quiet = true;
}

Stack Segmentation::masks(const Stack& stack) const {
  const std::vector<SeenStack> seen =
      see_stacks({{"segmentation", stack}}, model_.normalisation.kind, LevelsFrom::stack, *device_, common_);
  InferenceOptions options;
  options.memory_limit = activation_memory(common_);
  Stack masks = denoise(model_, seen.front(), *device_, options);
  apply_normalisation(seen.front().normalisation, masks.voxels);
  for (float& value : masks.voxels) value = value > 0.5F ? 1.0F : 0.0F;
  return masks;
}

std::vector<SystemResult::Objects> Segmentation::compare(const Stack& masks, const Stack& truth_masks) {
  constexpr int kLeastPixels = 40;  // of an object
  std::vector<SystemResult::Objects> planes;
  planes.reserve(static_cast<std::size_t>(masks.planes));
  for (int p = 0; p < masks.planes; ++p)
    planes.push_back({dice(plane_of(masks, p), plane_of(truth_masks, p)),
                      count_objects(plane_of(masks, p), masks.height, masks.width, kLeastPixels)});
  return planes;
}

}  // namespace n2s
