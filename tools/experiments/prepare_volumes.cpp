// See prepare_volumes.h.
#include "tools/experiments/prepare_volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "data/formats/formats.h"
#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/experiments/ixi.h"
#include "tools/loaded_file.h"
#include "tools/stack_stream.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

constexpr float kAir = -0.5F;

/// "brain" for brain.nii.gz: the name of a stack, which has no slash.
std::string stem_of(const fs::path& file) {
  std::string stem = file.stem().string();
  if (file.extension() == ".gz" || stem.ends_with(".ome")) stem = fs::path(stem).stem().string();
  return stem;
}

Image header_of(int planes, int height, int width, const Image& like, SampleType type) {
  Image header;
  header.axes = {{'Z', static_cast<std::size_t>(planes), 1},
                 {'Y', static_cast<std::size_t>(height), 1},
                 {'X', static_cast<std::size_t>(width), 1}};
  for (Axis& axis : header.axes)
    if (const auto found = find_axis(like.axes, axis.name)) axis.spacing = like.axes[*found].spacing;
  header.unit = like.unit;
  header.type = type;
  return header;
}

/// Files that can be opened, by the name of their stack. What cannot is noted.
std::map<std::string, fs::path> images_of(const fs::path& folder, Findings& findings) {
  std::map<std::string, fs::path> images;
  for (const fs::path& file : files_of(folder)) {
    if (format_of_name(file) == nullptr && !fs::is_directory(file)) {
      findings.ignored.push_back(fmt::format("{}: not an image", file.string()));
      continue;
    }
    const auto [place, is_new] = images.try_emplace(stem_of(file), file);
    if (!is_new)
      findings.unusable.push_back(fmt::format("{}: has the same name as {}", file.string(), place->second.string()));
  }
  return images;
}

std::optional<OpenFile> try_open(const fs::path& file, const InputOptions& input, Findings& findings) {
  try {
    return open_file(file.string(), input);
  } catch (const Error& error) {
    findings.unusable.emplace_back(error.what());
    return std::nullopt;
  }
}

PartRules rules_or_default(const PartRules& rules) {
  return rules.are_given() ? rules : PartRules{"0.8", "0.1", "0.1"};
}

void put_into_parts(const std::map<std::string, Part>& parts, DataSetPlan& plan) {
  std::erase_if(plan.stacks, [&](const PlannedStack& stack) { return !parts.contains(stack.name); });
  for (PlannedStack& stack : plan.stacks) stack.part = parts.at(stack.name);
}

std::vector<std::string> names_of(const DataSetPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedStack& stack : plan.stacks) names.push_back(stack.name);
  return names;
}

/// Divided by the maximum, less 0.5, and centred in squares.
Stack scaled_and_padded(const Stack& volume, int side, const std::string& name) {
  const float highest = *std::max_element(volume.voxels.begin(), volume.voxels.end());
  if (!(highest > 0)) throw Error(fmt::format("{}: no voxel is above 0, nothing to scale by", name));
  Stack stack{volume.planes, side, side, {}};
  stack.voxels.assign(static_cast<std::size_t>(volume.planes) * plane_pixels(stack), kAir);
  const int top = (side - volume.height) / 2;
  const int left = (side - volume.width) / 2;
  for (int p = 0; p < volume.planes; ++p)
    for (int y = 0; y < volume.height; ++y) {
      const std::span<const float> row = plane_of(volume, p).subspan(
          static_cast<std::size_t>(y) * static_cast<std::size_t>(volume.width), static_cast<std::size_t>(volume.width));
      const std::span<float> to = plane_of(stack, p).subspan(
          static_cast<std::size_t>(top + y) * static_cast<std::size_t>(side) + static_cast<std::size_t>(left));
      std::transform(row.begin(), row.end(), to.begin(), [&](float v) { return v / highest + kAir; });
    }
  return stack;
}

/// One T1 volume for each subject.
std::map<std::string, fs::path> ixi_subjects(const std::map<std::string, fs::path>& images, Findings& findings) {
  std::map<std::string, fs::path> subjects;
  for (const auto& [name, file] : images) {
    const std::optional<IxiName> ixi = ixi_name(file.filename().string());
    if (!ixi->is_t1) {
      findings.ignored.push_back(fmt::format("{}: not a T1 scan", file.string()));
      continue;
    }
    const auto [place, is_new] = subjects.try_emplace(ixi_subject_name(ixi->subject), file);
    if (!is_new)
      findings.unusable.push_back(
          fmt::format("{}: a second T1 scan of the subject of {}", file.string(), place->second.string()));
  }
  return subjects;
}

std::map<std::string, Part> paper_parts(const std::map<std::string, fs::path>& subjects, Findings& findings) {
  std::map<std::string, Part> wanted;
  const std::vector<int> pool = ixi_training_pool();
  for (std::size_t i = 0; i < pool.size(); ++i)
    wanted[ixi_subject_name(pool[i])] = i + kIxiValidation < pool.size() ? Part::train : Part::validation;
  for (const int subject : ixi_test_subjects()) wanted[ixi_subject_name(subject)] = Part::test;
  std::map<std::string, Part> parts;
  for (const auto& [name, part] : wanted)
    if (subjects.contains(name))
      parts[name] = part;
    else
      findings.missing.push_back(fmt::format("{} ({})", name, part_name(part)));
  for (const auto& [name, file] : subjects)
    if (!wanted.contains(name))
      findings.ignored.push_back(fmt::format("{}: not among the paper's subjects", file.string()));
  return parts;
}

void add_volume(const std::string& name, const fs::path& file, const MriSettings& s, DataSetPlan& plan) {
  const std::optional<OpenFile> opened = try_open(file, s.input, plan.findings);
  if (!opened) return;
  const Stack shape = stack_shape(opened->image, opened->selected.stacks.front());
  if (opened->selected.stacks.size() > 1 || shape.planes < s.middle || shape.height > s.side || shape.width > s.side) {
    plan.findings.unusable.push_back(fmt::format(
        "{}: {} stack{} of {} planes of {}x{} pixels; one of at least {} planes is needed (--middle), of at "
        "most {}x{} pixels (--side)",
        file.string(), opened->selected.stacks.size(), opened->selected.stacks.size() == 1 ? "" : "s", shape.planes,
        shape.height, shape.width, s.middle, s.side, s.side));
    return;
  }
  const auto load = [s, path = file.string()] {
    CommonOptions silent;
    silent.quiet = true;
    LoadedFile volume = load_file(path, s.input, silent);
    return middle_planes(scaled_and_padded(volume.stacks.front(), s.side, path), s.middle);
  };
  const int planes = s.middle > 0 ? s.middle : shape.planes;
  plan.stacks.push_back(
      {name,
       Part::train,
       {{"clean", {file}, header_of(planes, s.side, s.side, opened->image, SampleType::float32), load}}});
}

}  // namespace

DataSetPlan plan_mri(const fs::path& folder, const MriSettings& s) {
  DataSetPlan plan;
  plan.kind = "mri";
  std::map<std::string, fs::path> volumes = images_of(folder, plan.findings);
  const bool are_ixi = std::all_of(volumes.begin(), volumes.end(), [](const auto& volume) {
    return ixi_name(volume.second.filename().string()).has_value();
  });
  if (are_ixi) volumes = ixi_subjects(volumes, plan.findings);
  for (const auto& [name, file] : volumes) add_volume(name, file, s, plan);
  std::map<std::string, Part> parts;
  if (are_ixi && !s.parts.are_given())
    parts = paper_parts(volumes, plan.findings);
  else
    parts = apply_rules(rules_or_default(s.parts), names_of(plan), plan.findings);
  put_into_parts(parts, plan);
  plan.settings =
      json_text(nlohmann::json{{"middle", s.middle},
                               {"side", s.side},
                               {"scaling", "divided by the maximum of the volume, less 0.5"},
                               {"padding", kAir},
                               {"split", are_ixi && !s.parts.are_given() ? "the paper's subjects" : "as asked for"}});
  return plan;
}

namespace {

/// The file of the same name in another folder, with the same stacks.
std::optional<OpenFile> counterpart(const OpenFile& file, const std::string& stem, const fs::path& folder,
                                    const StackSetSettings& s, Findings& findings) {
  Findings of_folder;
  const std::map<std::string, fs::path> images = images_of(folder, of_folder);
  const auto found = images.find(stem);
  if (found == images.end()) {
    findings.unusable.push_back(fmt::format("{}: no file of this name in {}", file.path, folder.string()));
    return std::nullopt;
  }
  std::optional<OpenFile> other = try_open(found->second, s.input, findings);
  if (!other) return std::nullopt;
  const auto shape = [](const OpenFile& f) {
    const Stack one = stack_shape(f.image, f.selected.stacks.front());
    return std::array{static_cast<int>(f.selected.stacks.size()), one.planes, one.height, one.width};
  };
  if (shape(*other) == shape(file)) return other;
  findings.unusable.push_back(fmt::format("{}: {}, but {} is {}", other->path, describe_axes(other->image.axes),
                                          file.path, describe_axes(file.image.axes)));
  return std::nullopt;
}

PlannedCopy copy_of(const std::string& name, const OpenFile& file, std::size_t stack, const InputOptions& input) {
  const Stack shape = stack_shape(file.image, file.selected.stacks[stack]);
  const bool is_scaled = file.image.slope != 1 || file.image.intercept != 0;
  const SampleType type = is_scaled ? SampleType::float32 : file.image.type;
  const auto load = [path = file.path, input, stack, planes = shape.planes] {
    return read_planes(open_file(path, input), stack, 0, planes);
  };
  return {name, {file.path}, header_of(shape.planes, shape.height, shape.width, file.image, type), load};
}

}  // namespace

DataSetPlan plan_stacks(const fs::path& folder, const StackSetSettings& s) {
  DataSetPlan plan;
  plan.kind = "stacks";
  for (const auto& [stem, path] : images_of(folder, plan.findings)) {
    const std::optional<OpenFile> file = try_open(path, s.input, plan.findings);
    if (!file) continue;
    std::vector<std::pair<std::string, OpenFile>> others;
    bool is_complete = true;
    for (const auto& [copy, place] : {std::pair{"second", s.second}, std::pair{"truth", s.truth}}) {
      if (place.empty()) continue;
      std::optional<OpenFile> other = counterpart(*file, stem, place, s, plan.findings);
      is_complete = is_complete && other;
      if (other) others.emplace_back(copy, std::move(*other));
    }
    if (!is_complete) continue;
    for (std::size_t i = 0; i < file->selected.stacks.size(); ++i) {
      PlannedStack stack;
      stack.name = file->selected.stacks.size() == 1 ? stem : fmt::format("{}-{}", stem, i);
      stack.copies.push_back(copy_of("noisy", *file, i, s.input));
      for (const auto& [copy, other] : others) stack.copies.push_back(copy_of(copy, other, i, s.input));
      plan.stacks.push_back(std::move(stack));
    }
  }
  put_into_parts(apply_rules(rules_or_default(s.parts), names_of(plan), plan.findings), plan);
  plan.settings = json_text(nlohmann::json{{"values", "as in the files"}});
  return plan;
}

}  // namespace n2s
