// Reads files, checks their stacks, and sorts them by network.
#include "tools/loaded_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "data/formats/formats.h"
#include "data/formats/nifti_header.h"
#include "data/input_file.h"
#include "data/lent_arrays.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr int kSmallestSide = 16;  // pixels: below this a network with 5 poolings works mostly on padding

}  // namespace

void FileStacks::select(const StackOptions& options) {
  try {
    selected = select_stacks(image, options);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
  const Stack shape = stack_shape(image, selected.stacks.front());
  if (shape.height < kSmallestSide || shape.width < kSmallestSide)
    throw Error(
        fmt::format("{}: planes of {}x{} pixels are too small, at least {} on each side are needed; is --axis right?",
                    path, shape.height, shape.width, kSmallestSide));
}

std::size_t FileStacks::planes() const {
  const Stack shape = stack_shape(image, selected.stacks.front());
  return static_cast<std::size_t>(shape.planes) * selected.stacks.size();
}

std::vector<Axis> FileStacks::result_axes() const {
  std::vector<Axis> axes;
  for (const std::size_t axis : selected.kept) axes.push_back(image.axes[axis]);
  return axes;
}

std::string FileStacks::name_of(std::size_t stack) const {
  const std::string position = describe_position(image, selected.stacks[stack]);
  return selected.stacks.size() == 1 || position.empty() ? path : fmt::format("{} ({})", path, position);
}

int FileStacks::number_of(std::size_t stack) const {
  return static_cast<int>(n2s::number_of(image, selected.stacks[stack]));
}

LoadedFile load_noisy_file(const std::string& path, const InputOptions& input, const CommonOptions& common) {
  LoadedFile file;
  file.path = path;
  file.image = read_image(path, input.read);
  file.select(input.stack);
  for (const StackSelection& selection : file.selected.stacks) file.stacks.push_back(take_stack(file.image, selection));
  file.image.values.clear();
  file.image.values.shrink_to_fit();
  say(common, "{}: {}", path, file.selected.describe);
  for (std::size_t i = 0; i < file.stacks.size(); ++i) check_planes_finite(file.stacks[i], file.name_of(i));
  const Stack& first = file.stacks.front();
  warn_of_rounding(file, plane_of(first, first.planes / 2));
  return file;
}

void warn_of_rounding(const FileStacks& file, std::span<const float> plane) {
  constexpr float kFewSteps = 64;  // from the lowest to the highest value
  if (sample_bytes(file.image.type) <= 2 || file.image.type == SampleType::float32) return;
  const auto [low, high] = finite_range(plane);
  if (!(low < high)) return;
  const float largest = std::max(std::abs(low), std::abs(high));
  const float step = std::nextafter(largest, std::numeric_limits<float>::infinity()) - largest;
  if (step <= (high - low) / kFewSteps) return;
  warn(
      "{}: values from {:.9g} to {:.9g}, which are rounded to steps of {:g} (everything is computed in 32-bit floats); "
      "subtract an offset first",
      file.path, low, high, step);
}

void warn_of_few_steps(const FileStacks& file, std::span<const float> plane, const std::filesystem::path& out,
                       const WriteOptions& write) {
  constexpr double kFewSteps = 16;
  constexpr std::size_t kAside = 1000;                   // of so many pixels, the lowest and the highest do not count
  constexpr std::size_t kEnough = std::size_t{1} << 20;  // pixels that are looked at
  const SampleType type = written_type(out, result_header(file.image, file.selected), write);
  if (!is_integer(type)) return;
  std::vector<float> values;
  for (std::size_t i = 0; i < plane.size(); i += plane.size() / kEnough + 1)
    if (std::isfinite(plane[i])) values.push_back(plane[i]);
  if (values.empty()) return;
  const auto aside = static_cast<std::ptrdiff_t>(values.size() / kAside);
  std::nth_element(values.begin(), values.begin() + aside, values.end());
  const float low = values[static_cast<std::size_t>(aside)];
  std::nth_element(values.begin(), values.end() - 1 - aside, values.end());
  const float high = *(values.end() - 1 - aside);
  const double steps = (double{high} - low) / std::abs(file.image.slope);
  if (!(steps > 0) || steps > kFewSteps) return;
  warn("{}: values from {:g} to {:g} only, and the result is rounded to {} as well; {} keeps fractions", file.path, low,
       high, sample_type_name(type), lent_array(out) == nullptr ? "--float" : "an array of floats for the result");
}

void say_of_lost_orientation(const FileStacks& file, const std::filesystem::path& out, const CommonOptions& common) {
  const Format* format = format_of_name(out);
  if (!file.image.medical || format == nullptr) return;
  if (!std::filesystem::is_directory(file.path) && format == format_of_content(InputFile(file.path))) return;
  say(common, "{}: its orientation is not carried over to {}", file.path, format->name);
}

void warn_of_other_directions(const FileStacks& a, const FileStacks& b) {
  const auto* first = kept_header<NiftiHeader>(a.image);
  const auto* second = kept_header<NiftiHeader>(b.image);
  if (first == nullptr || second == nullptr) return;
  const std::string from = voxel_directions(*first);
  const std::string to = voxel_directions(*second);
  if (from.empty() || to.empty() || from == to) return;
  warn(
      "{} and {}: their voxels are stored in different directions ({} and {}), and are taken one by one as they are "
      "stored; turn one of them first",
      a.path, b.path, from, to);
}

LoadedFile load_file(const std::string& path, const InputOptions& input, const CommonOptions& common) {
  LoadedFile file = load_noisy_file(path, input, common);
  for (std::size_t i = 0; i < file.stacks.size(); ++i) check_finite(file.stacks[i], file.name_of(i));
  return file;
}

void check_neighbours(const FileStacks& file, int least) {
  const int planes = stack_shape(file.image, file.selected.stacks.front()).planes;
  if (planes >= least) return;
  std::string advice;
  const StackSelection& selection = file.selected.stacks.front();
  for (std::size_t i = 0; i < file.image.axes.size(); ++i) {
    const Axis& axis = file.image.axes[i];
    if (i == selection.plane_axis || i == selection.row_axis || i == selection.column_axis) continue;
    if (axis.length < static_cast<std::size_t>(least)) continue;
    const char letter = static_cast<char>(axis.name - 'A' + 'a');
    advice += fmt::format("; if the {} positions along {} are the planes of a stack, add --axis {}", axis.length,
                          axis.name, letter);
  }
  throw Error(
      fmt::format("{}: {}: {} plane{} only, at least {} are needed to learn from neighbours{}; a "
                  "single image is restored by --method noise2void, n2s bm3d or n2s nlm",
                  file.path, describe_axes(file.image.axes), planes, planes == 1 ? "" : "s", least, advice));
}

std::vector<NetworkGroup> network_groups(const FileStacks& file, const std::string& channels) {
  const bool joint = channels == "joint" || (channels.empty() && file.image.colour);
  std::map<std::size_t, NetworkGroup> groups;
  for (std::size_t i = 0; i < file.selected.stacks.size(); ++i) {
    const std::size_t channel = joint ? 0 : channel_of(file.image, file.selected.stacks[i]);
    groups[channel].channel = channel;
    groups[channel].stacks.push_back(i);
  }
  std::vector<NetworkGroup> result;
  for (auto& [channel, group] : groups) {
    if (groups.size() > 1) {
      group.name = fmt::format("channel {}", channel);
      group.subfolder = fmt::format("channel{}", channel);
    }
    result.push_back(std::move(group));
  }
  return result;
}

}  // namespace n2s
