// See image_sequence.h.
#include "data/formats/image_sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "data/formats/formats.h"
#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the beginning of `text`, without leading zeros.
std::string_view take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

/// By the numbers in names, of any length, and else by characters.
bool comes_before(const fs::path& a, const fs::path& b) {
  const std::string first = a.filename().string();
  const std::string second = b.filename().string();
  std::string_view left = first;
  std::string_view right = second;
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const std::string_view x = take_number(left);
      const std::string_view y = take_number(right);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      continue;
    }
    if (left.front() != right.front()) return left.front() < right.front();
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.empty() != right.empty() ? left.empty() : first < second;
}

std::string describe(const Image& plane) {
  return fmt::format("{} of {}", describe_axes(plane.axes), sample_type_name(plane.type));
}

class SequenceReader final : public ImageReader {
 public:
  SequenceReader(std::vector<fs::path> files, Image header, Image plane)
      : ImageReader(std::move(header)), files_(std::move(files)), plane_(std::move(plane)) {}

  void read(std::size_t first, std::span<float> values) override {
    const std::size_t per_file = sample_count(plane_.axes) / plane_samples();  // more than one: colours
    for (std::size_t done = 0; done < values.size();) {
      const std::size_t plane = first + done / plane_samples();
      const std::size_t within = plane % per_file;
      const std::size_t count = std::min((per_file - within) * plane_samples(), values.size() - done);
      const std::unique_ptr<ImageReader> file = open(files_.at(plane / per_file));
      file->read(within, values.subspan(done, count));
      done += count;
    }
  }

 private:
  std::unique_ptr<ImageReader> open(const fs::path& path) const {
    std::unique_ptr<ImageReader> file = open_image(path);
    if (describe(file->image()) != describe(plane_))
      throw Error(fmt::format("{}: {}, but {} is {}; planes of one stack are alike: move others to another folder",
                              path.string(), describe(file->image()), files_.front().filename().string(),
                              describe(plane_)));
    return file;
  }

  std::vector<fs::path> files_;
  Image plane_;  // what each file holds
};

}  // namespace

std::vector<fs::path> image_sequence(const fs::path& folder) {
  std::error_code none;
  if (!fs::is_directory(folder, none)) return {};
  std::vector<fs::path> files;
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const bool is_hidden = entry.path().filename().string().starts_with('.');
      if (!is_hidden && entry.is_regular_file() && format_of_name(entry.path()) != nullptr)
        files.push_back(entry.path());
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(fmt::format("{}: cannot list the folder: {}", folder.string(), error.code().message()));
  }
  std::sort(files.begin(), files.end(), comes_before);
  const auto other = std::find_if(files.begin(), files.end(), [&](const fs::path& file) {
    return format_of_name(file) != format_of_name(files.front());
  });
  if (other != files.end())
    throw Error(fmt::format("{}: a folder of files of several formats ({} and {}); name one, or move them apart",
                            folder.string(), files.front().filename().string(), other->filename().string()));
  return files;
}

std::unique_ptr<ImageReader> open_image_sequence(const fs::path& folder, const std::vector<fs::path>& files,
                                                 const ReadOptions& options) {
  if (files.size() < 2) throw Error(fmt::format("{}: a folder with one image only; name the file", folder.string()));
  if (!options.dataset.empty() || options.series)
    throw Error(fmt::format("{}: --{} is for a file, not for a folder of planes; leave it out", folder.string(),
                            options.series ? "series" : "dataset"));
  const Image plane = without_values(open_image(files.front())->image());
  const bool is_plane = std::all_of(plane.axes.begin(), plane.axes.end(), [](const Axis& axis) {
    return axis.name == 'Y' || axis.name == 'X' || axis.name == 'C' || axis.length == 1;
  });
  if (!is_plane)
    throw Error(fmt::format("{}: a folder of stacks ({} is {}), not of planes; name the files", folder.string(),
                            files.front().filename().string(), describe_axes(plane.axes)));
  Image header = plane;
  header.header = nullptr;                                       // of one plane
  if (!Scaling{header.slope, header.intercept}.is_identity()) {  // other planes may have another
    header.type = SampleType::float32;
    header.slope = 1;
    header.intercept = 0;
  }
  std::erase_if(header.axes, [](const Axis& axis) { return axis.name != 'Y' && axis.name != 'X' && axis.length == 1; });
  header.axes_told = !options.axes.empty();
  std::vector<std::size_t> shape{files.size()};
  std::string own = "Z";
  const std::vector<Axis> within = std::move(header.axes);
  for (const Axis& axis : within) {
    shape.push_back(axis.length);
    own += axis.name;
  }
  header.axes = named_axes(folder.string(), shape, options.axes, own);
  if (header.axes[header.axes.size() - 2].name != 'Y' || header.axes.back().name != 'X')
    throw Error(
        fmt::format("{}: --axes {}: each file is rows and columns; let it end in YX", folder.string(), options.axes));
  for (std::size_t i = 0; i < within.size(); ++i) header.axes[i + 1].spacing = within[i].spacing;
  return std::make_unique<SequenceReader>(files, std::move(header), plane);
}

}  // namespace n2s
