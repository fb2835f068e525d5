// See stored_stacks.h.
#include "tools/stored_stacks.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "kernels/base/error.h"
#include "kernels/base/host_memory.h"
#include "tools/measured_levels.h"

namespace n2s {
namespace {

/// Of `depth` planes, the `count` in the middle; 0: all.
struct KeptPlanes {
  int first = 0, count = 0;
};
KeptPlanes middle_of(int depth, int count) {
  if (count == 0) return {0, depth};
  if (count > depth) throw Error(fmt::format("--middle {}: the stack has only {} planes; choose fewer", count, depth));
  return {(depth - count) / 2, count};
}

/// Of an order of axes that can only be read whole.
void store_whole(const OpenFile& file, int middle, const std::vector<std::shared_ptr<StoredPlanes>>& stored) {
  const std::vector<StackPlanes> stacks = load_stacks(file, middle);
  for (std::size_t i = 0; i < stored.size(); ++i)
    for (int plane = 0; plane < stacks[i].planes; ++plane)
      stored[i]->write(plane, plane_of(*stacks[i].in_memory(), plane));
}

/// Of each stack, while its voxels are read once.
struct Surveyed {
  VoxelSurvey survey;
  Normalisation normalisation;
  bool is_constant = false;
};

/// Of types that differ, the floats that all become.
Image common_header(const std::vector<NamedPlanes>& stacks) {
  const Image& first = stacks.front().planes.stored()->header();
  const bool same = std::all_of(stacks.begin(), stacks.end(), [&](const NamedPlanes& stack) {
    const Image& header = stack.planes.stored()->header();
    return header.type == first.type && header.slope == first.slope && header.intercept == first.intercept;
  });
  return same ? first : Image{};
}

Normalisation fit(const CountedVoxels& voxels, const std::string& kind, const std::string& name) {
  try {
    return fit_normalisation(voxels, robust_options(kind));
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", name, error.what()));
  }
}

/// Voxels outside the limits, hot pixels aside.
std::size_t count_limited(const NamedPlanes& stack, const Surveyed& found) {
  const VoxelLimits limits = limits_of(found.normalisation);
  if (found.survey.low >= limits.low && found.survey.high <= limits.high) return 0;
  std::size_t count = 0;
  const PlanesToRead planes = planes_to_read(stack.name, *stack.planes.stored());
  for (int plane = 0; plane < stack.planes.planes; ++plane) {
    Stack one = planes.read(plane, 1);
    ExtremeValues ignored;
    replace_before_fit(one, found.normalisation.kind, found.survey.bulk, ignored);
    count += static_cast<std::size_t>(std::count_if(
        one.voxels.begin(), one.voxels.end(), [&](float value) { return value < limits.low || value > limits.high; }));
  }
  return count;
}

StackPlanes normalised(const NamedPlanes& stack, const Surveyed& found) {
  const VoxelLimits limits = limits_of(found.normalisation);
  return {stack.planes.stored(),
          {static_cast<float>(found.survey.bulk.centre), found.survey.replaced.medians, limits.low, limits.high,
           found.normalisation}};
}

}  // namespace

VoxelMemory voxel_memory(double gib, const std::filesystem::path& folder) {
  constexpr std::size_t kForTraining = std::size_t{512} << 20;  // the network, samples of planes, libraries
  if (gib > 0) return {static_cast<std::size_t>(gib * (1 << 30)), folder};
  const std::size_t available = available_memory();
  return {available > kForTraining ? (available - kForTraining) / 2 : 0, folder};
}

std::vector<StackPlanes> store_stacks(const OpenFile& file, int middle, VoxelMemory& memory) {
  std::vector<std::shared_ptr<StoredPlanes>> stored;
  const Stack shape = stack_shape(file.image, file.selected.stacks.front());
  const KeptPlanes range = middle_of(shape.planes, middle);
  const StoredPlanes::Shape kept{range.count, shape.height, shape.width};
  for (std::size_t i = 0; i < file.selected.stacks.size(); ++i)
    stored.push_back(std::make_shared<StoredPlanes>(kept, file.image, memory));
  if (has_image_planes(file.image, file.selected)) {
    for_each_part(file, [&](std::size_t stack, int first, Stack& planes) {
      for (int i = 0; i < planes.planes; ++i)
        if (const int plane = first + i - range.first; plane >= 0 && plane < range.count)
          stored[stack]->write(plane, plane_of(planes, i));
    });
  } else {
    store_whole(file, middle, stored);
  }
  for (const auto& planes : stored) planes->complete();
  return {stored.begin(), stored.end()};
}

std::vector<StackPlanes> load_stacks(const OpenFile& file, int middle) {
  const Image image = file.reader->read_all();
  std::vector<StackPlanes> stacks;
  for (std::size_t i = 0; i < file.selected.stacks.size(); ++i) {
    Stack stack = middle_planes(take_stack(image, file.selected.stacks[i]), middle);
    check_planes_finite(stack, file.name_of(i));
    stacks.emplace_back(std::move(stack));
  }
  return stacks;
}

void describe(const VoxelMemory& memory, const CommonOptions& common) {
  if (memory.on_disk > 0)
    say(common, "{} of voxels do not fit into memory (--memory) and stay in {}", human_bytes(memory.on_disk),
        memory.folder.string());
}

StoredLevels see_stored(const std::vector<NamedPlanes>& stacks, const std::string& kind, LevelsFrom from,
                        const CommonOptions& common) {
  std::vector<Surveyed> found(stacks.size());
  CountedVoxels together(common_header(stacks));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const StoredPlanes& stored = *stacks[i].planes.stored();
    CountedVoxels alone(stored.header());
    found[i].survey = survey(planes_to_read(stacks[i].name, stored), kind, true, alone);
    together.add(alone);
    found[i].is_constant = found[i].survey.low == found[i].survey.high;
    if (from == LevelsFrom::stack && !(found[i].is_constant && stacks.size() > 1))
      found[i].normalisation = fit(alone, kind, stacks[i].name);
  }
  StoredLevels result;
  const std::string all =
      stacks.size() == 1 ? stacks.front().name : fmt::format("{} and {} more", stacks.front().name, stacks.size() - 1);
  result.shared = fit(together, kind, all);
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    if (from == LevelsFrom::shared || (found[i].is_constant && stacks.size() > 1))
      found[i].normalisation = result.shared;
    const StackPlanes& planes = stacks[i].planes;
    SeenStack seen{Stack{planes.planes, planes.height, planes.width, {}}, found[i].normalisation, {}};
    seen.replaced.isolated = found[i].survey.replaced.isolated;
    seen.replaced.not_finite = found[i].survey.replaced.not_finite;
    seen.replaced.limited = count_limited(stacks[i], found[i]);
    if (is_worth_a_line(i, seen)) describe_stack(stacks[i].name, seen, common);
    result.planes.push_back(normalised(stacks[i], found[i]));
    result.seen.push_back(std::move(seen));
  }
  return result;
}

StackPlanes with_levels(const NamedPlanes& stack, const Normalisation& given) {
  const StoredPlanes& stored = *stack.planes.stored();
  CountedVoxels ignored(stored.header());
  return normalised(stack, {survey(planes_to_read(stack.name, stored), given.kind, true, ignored), given, false});
}

}  // namespace n2s
