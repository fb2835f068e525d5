// See training_example.h.
#include "tools/training_example.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "data/json_text.h"
#include "data/normalisation.h"
#include "engine/inference/inference.h"
#include "tools/model_use.h"
#include "tools/report/example_planes.h"

namespace n2s {
namespace {

/// The middle of the planes [first, first + count), as much as is shown.
Stack read_middle(const StackPlanes& planes, int first, int count) {
  Stack middle{count, std::min(planes.height, kShownSide), std::min(planes.width, kShownSide), {}};
  middle.voxels.resize(static_cast<std::size_t>(count) * plane_pixels(middle));
  const PlaneWindow window{(planes.height - middle.height) / 2, (planes.width - middle.width) / 2, middle.height,
                           middle.width};
  for (int i = 0; i < count; ++i) planes.read(first + i, window, plane_of(middle, i));
  return middle;
}

void append(std::span<const float> plane, const Stack& like, Stack& planes) {
  planes.height = like.height;
  planes.width = like.width;
  planes.voxels.insert(planes.voxels.end(), plane.begin(), plane.end());
  ++planes.planes;
}

/// What is at the target's place in the pictures.
std::string target_name(const TrainingStack& stack, const BatchSettings& batches) {
  if (batches.noise) return "clean";
  if (!stack.target) return {};
  return method_of(batches).target == TargetOf::clean_source ? "clean" : "second copy";
}

}  // namespace

TrainingExample write_training_example(const std::vector<TrainingStack>& stacks, const TrainingRequest& request,
                                       const Device& device, ThreadPool& pool) {
  const TrainingStack& stack = stacks.front();
  const LoadedModel model = load_model(request.folder);
  Denoiser denoiser(model, *device.inference);
  const auto map = parse_json(request.levels).at(0).at("normalisation").get<Normalisation>();  // of the stack
  const int reach = model.planes / 2 + model.gap;
  TrainingExample example{stack.name, stack.source.planes, target_name(stack, request.batches)};
  Stack inputs;
  Stack restored;
  Stack targets;
  for (const int position : example_positions(stack.source.planes)) {
    const int first = std::max(0, position - reach);
    const int last = std::min(stack.source.planes - 1, position + reach);
    const Stack source = read_middle(stack.source, first, last - first + 1);
    const Stack input = with_simulated_noise(request.batches, source, pool);
    const Stack output = denoiser.restore(input, {}, {});
    append(plane_of(input, position - first), input, inputs);
    append(plane_of(output, position - first), input, restored);
    if (request.batches.noise)
      append(plane_of(source, position - first), input, targets);
    else if (stack.target)
      append(read_middle(*stack.target, position, 1).voxels, input, targets);
  }
  for (Stack* shown : {&inputs, &restored, &targets}) undo_normalisation(map, shown->voxels);
  write_example(request.folder / "shown-input.tif", inputs);
  write_example(request.folder / "shown-restored.tif", restored);
  std::filesystem::remove(request.folder / "shown-target.tif");  // of an earlier run
  if (!example.target.empty()) write_example(request.folder / "shown-target.tif", targets);
  return example;
}

}  // namespace n2s
