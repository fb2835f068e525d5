// See inspected_stack.h.
#include "tools/inspect/inspected_stack.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "engine/training/methods.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tools/measured_levels.h"
#include "tools/training_request.h"

namespace n2s {
namespace {

StackContext context_of(const OpenFile& file, std::size_t stack, bool may_hide_pixels) {
  const StackSelection& selection = file.selected.stacks[stack];
  StackContext context;
  context.may_hide_pixels = may_hide_pixels;
  context.medical = file.image.medical;
  context.along_time = selection.plane_axis && file.image.axes[*selection.plane_axis].name == 'T';
  const Network& network = choose_network("", BatchSettings{}.method, context.medical);
  context.network = network.name;
  context.normalisation = network.normalisation;
  context.default_planes = default_planes(BatchSettings{}.method, stack_shape(file.image, selection).planes, false);
  return context;
}

std::string spacing_of(const Image& image) {
  if (image.unit.empty()) return {};
  std::string numbers, names;
  for (const Axis& axis : image.axes) {
    if (axis.name != 'X' && axis.name != 'Y' && axis.name != 'Z') continue;
    numbers += fmt::format("{}{:.4g}", numbers.empty() ? "" : " x ", axis.spacing);
    names += fmt::format("{}{}", names.empty() ? "" : ", ", axis.name);
  }
  return fmt::format("{} {} ({})", numbers, image.unit, names);
}

std::string axes_source(const OpenFile& file) {
  if (!file.options.read.axes.empty()) return "named by --axes";
  if (file.image.axes_told) return "the file names them";
  return "not told by the file: assumed, check them (--axes)";
}

/// The middle stack of each channel.
std::vector<std::size_t> stacks_to_inspect(const OpenFile& file) {
  std::vector<std::size_t> chosen;
  for (const NetworkGroup& group : network_groups(file, "each"))
    chosen.push_back(group.stacks[group.stacks.size() / 2]);
  return chosen;
}

/// For a POSIX shell.
std::string quoted(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// "brain.nii.gz" -> "brain-restored.nii.gz"
std::string output_name(const std::string& path) {
  const std::filesystem::path file = path;
  std::string name = file.filename().string();
  std::string extension = file.extension().string();
  if (extension == ".gz") extension = std::filesystem::path(file.stem()).extension().string() + extension;
  if (name.ends_with(".ome.tif") || name.ends_with(".ome.tiff")) extension = ".ome" + extension;
  name.resize(name.size() - extension.size());
  try {
    check_image_extension(name + extension);
  } catch (const Error&) {
    extension = ".tif";
  }
  return (file.parent_path() / (name + "-restored" + extension)).string();
}

}  // namespace

InspectedStack inspect_stack(const OpenFile& file, std::size_t stack, bool may_hide_pixels) {
  InspectedStack result{file.name_of(stack),
                        stack,
                        inspect(planes_in_any_order(file, stack)),
                        context_of(file, stack, may_hide_pixels),
                        {}};
  result.advice = advise(result.found, result.context);
  return result;
}

InspectedFile inspect_file(const std::string& path, const InputOptions& input, const CommonOptions& common) {
  const OpenFile file = open_file(path, input);
  InspectedFile result{path,
                       input,
                       std::string(sample_type_name(file.image.type)),
                       describe_axes(file.image.axes),
                       axes_source(file),
                       spacing_of(file.image),
                       file.selected.describe,
                       file.selected.stacks.size(),
                       {}};
  warn_of_rounding(file);
  for (const std::size_t stack : stacks_to_inspect(file)) {
    say(common, "inspecting {}", file.name_of(stack));
    result.inspected.push_back(inspect_stack(file, stack));
  }
  return result;
}

namespace {

std::string input_options(const InputOptions& o) {
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format(" {} {}", name, quoted(value));
  };
  const auto number = [](const std::optional<std::size_t>& value) { return value ? std::to_string(*value) : ""; };
  add("--dataset", o.read.dataset);
  add("--series", number(o.read.series));
  add("--axes", o.read.axes);
  add("--axis", o.stack.axis);
  add("--channel", number(o.stack.channel));
  add("--time", number(o.stack.time));
  add("--slice", number(o.stack.slice));
  return text;
}

}  // namespace

std::string command_of(const InspectedFile& file, const InspectedStack& stack) {
  const Advice& advice = stack.advice;
  std::string command = fmt::format("n2s restore {} -o {}", quoted(file.path), quoted(output_name(file.path))) +
                        input_options(file.options);
  if (advice.method != BatchSettings{}.method)
    return command + fmt::format(" --method {} --planes {}", advice.method, advice.planes);
  if (advice.network != stack.context.network) command += fmt::format(" --net {}", advice.network);
  return command + fmt::format(" --planes {} --gap {} --normalise {}", advice.planes, advice.gap, advice.normalisation);
}

}  // namespace n2s
