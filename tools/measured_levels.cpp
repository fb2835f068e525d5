// See measured_levels.h.
#include "tools/measured_levels.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "data/stack_traits.h"
#include "kernels/base/error.h"
#include "tools/interrupt.h"

namespace n2s {
namespace {

/// Every n-th voxel of planes that are spread over the stack, as many as give levels to well below a per cent.
Stack sample_of(const PlanesToRead& planes) {
  constexpr std::size_t kVoxels = std::size_t{1} << 22;
  const std::vector<int> sampled = sampled_planes(planes.shape.planes);
  const std::size_t step = std::max<std::size_t>(1, sampled.size() * plane_pixels(planes.shape) / kVoxels) | 1;
  Stack sample{1, 1, 0, {}};
  for (const int plane : sampled) {
    const Stack one = planes.read(plane, 1);
    for (std::size_t i = 0; i < one.voxels.size(); i += step) sample.voxels.push_back(one.voxels[i]);
  }
  sample.width = static_cast<int>(sample.voxels.size());
  return sample;
}

Stack consecutive_planes(const Stack& stack, int first, int count) {
  Stack part{count, stack.height, stack.width, {}};
  for (int i = 0; i < count; ++i) {
    const std::span<const float> plane = plane_of(stack, first + i);
    part.voxels.insert(part.voxels.end(), plane.begin(), plane.end());
  }
  return part;
}

}  // namespace

PlanesToRead planes_to_read(const OpenFile& file, std::size_t stack) {
  return {file.name_of(stack), stack_shape(file.image, file.selected.stacks[stack]), file.image,
          [&file, stack](int first, int count) { return read_planes(file, stack, first, count); }};
}

PlanesToRead planes_in_any_order(const OpenFile& file, std::size_t stack) {
  PlanesToRead planes{file.name_of(stack), stack_shape(file.image, file.selected.stacks[stack]), file.image, {}};
  if (has_image_planes(file.image, file.selected)) {
    planes.read = [&file, stack](int first, int count) { return read_any_planes(file, stack, first, count); };
    return planes;
  }
  const auto whole =
      std::make_shared<const Stack>(take_stack(read_image(file.path, file.options.read), file.selected.stacks[stack]));
  planes.read = [whole](int first, int count) { return consecutive_planes(*whole, first, count); };
  return planes;
}

PlanesToRead planes_to_read(const std::string& name, const Stack& stack) {
  Image header;
  header.type = SampleType::float32;
  return {name, Stack{stack.planes, stack.height, stack.width, {}}, header,
          [&stack](int first, int count) { return consecutive_planes(stack, first, count); }};
}

PlanesToRead planes_to_read(const std::string& name, const StoredPlanes& stored) {
  const auto [planes, height, width] = stored.shape();
  return {name, Stack{planes, height, width, {}}, stored.header(), [&stored](int first, int count) {
            Stack part{count, stored.shape().height, stored.shape().width, {}};
            part.voxels.resize(static_cast<std::size_t>(count) * plane_pixels(part));
            for (int i = 0; i < count; ++i) stored.read(first + i, {0, 0, part.height, part.width}, plane_of(part, i));
            return part;
          }};
}

void describe_file(const OpenFile& file, const CommonOptions& common, const std::string& how) {
  say(common, "{}: {}{}", file.path, file.selected.describe, how);
  warn_of_rounding(file);
}

void warn_of_rounding(const OpenFile& file) {
  if (sample_bytes(file.image.type) <= 2) return;  // and nothing is read
  const PlanesToRead planes = planes_in_any_order(file, 0);
  warn_of_rounding(file, planes.read(planes.shape.planes / 2, 1).voxels);
}

void warn_of_few_steps(const OpenFile& file, const std::filesystem::path& out, const WriteOptions& write) {
  if (!is_integer(written_type(out, result_header(file.image, file.selected), write))) return;  // and nothing is read
  const PlanesToRead planes = planes_in_any_order(file, 0);
  warn_of_few_steps(file, planes.read(planes.shape.planes / 2, 1).voxels, out, write);
}

BulkLevels sampled_bulk_levels(const PlanesToRead& planes) {
  Stack sample = sample_of(planes);
  ExtremeValues ignored;
  replace_non_finite(sample, ignored);
  return bulk_levels({&sample});
}

VoxelSurvey survey(const PlanesToRead& planes, const std::string& kind, bool keep_medians, CountedVoxels& voxels) {
  VoxelSurvey found;
  found.bulk = sampled_bulk_levels(planes);
  found.low = std::numeric_limits<double>::infinity();
  found.high = -found.low;
  const int step = planes_at_once(plane_pixels(planes.shape));
  for (int first = 0; first < planes.shape.planes; first += step) {
    if (interrupted()) throw Error("interrupted; nothing was written");
    Stack part = planes.read(first, std::min(step, planes.shape.planes - first));
    ExtremeValues replaced;
    replace_before_fit(part, kind, found.bulk, replaced);
    voxels.add(part.voxels);
    const auto [low, high] = std::minmax_element(part.voxels.begin(), part.voxels.end());
    found.low = std::min<double>(found.low, *low);
    found.high = std::max<double>(found.high, *high);
    found.replaced.isolated += replaced.isolated;
    found.replaced.not_finite += replaced.not_finite;
    const std::size_t before = static_cast<std::size_t>(first) * plane_pixels(planes.shape);
    for (const VoxelValue& voxel : replaced.medians)
      if (keep_medians) found.replaced.medians.push_back({before + voxel.index, voxel.value});
  }
  return found;
}

MeasuredLevels measure_levels(const OpenFile& file, std::size_t stack, const std::string& kind,
                              const std::optional<Normalisation>& given) {
  CountedVoxels voxels(file.image);
  const VoxelSurvey found = survey(planes_to_read(file, stack), kind, false, voxels);
  MeasuredLevels measured{{found.bulk, {}}, found.replaced, found.low, found.high};
  if (given) {
    measured.levels.normalisation = *given;
  } else if (found.low == found.high && file.selected.stacks.size() > 1) {
    measured.levels.normalisation = {kind, 1, -found.low, {}, {}};
  } else {
    try {
      measured.levels.normalisation = fit_normalisation(voxels, robust_options(kind));
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", file.name_of(stack), error.what()));
    }
  }
  return measured;
}

}  // namespace n2s
