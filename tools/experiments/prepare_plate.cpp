// See prepare_plate.h. Names are sorted into fields, modalities and planes first; images are read when they are
// written.
#include "tools/experiments/prepare_plate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "data/json_text.h"
#include "kernels/base/error.h"
#include "tools/experiments/camera_background.h"
#include "tools/interrupt.h"
#include "tools/loaded_file.h"
#include "tools/stack_stream.h"
#include "tools/stored_stacks.h"

namespace n2s {
namespace {

namespace fs = std::filesystem;

/// Where a plane lies.
struct PlaneSource {
  fs::path file;
  std::size_t stack = 0;  // of the file
  int plane = 0;          // of that stack
};

using Planes = std::map<int, PlaneSource>;         // by the plane's number
using Modalities = std::map<std::string, Planes>;  // by name
struct Field {
  std::string well;
  Modalities modalities;
};

/// The images of one modality: read once, when the first is asked for.
class ModalityImages {
 public:
  ModalityImages(std::string name, const PlateDataSettings& settings, const CommonOptions& common, ThreadPool& pool)
      : name_(std::move(name)), settings_(settings), common_(common), pool_(&pool) {}

  /// Returns the number of the first of these planes.
  int add(const Planes& planes) {
    const auto first = static_cast<int>(sources_.size());
    for (const auto& [number, source] : planes) sources_.push_back(source);
    return first;
  }
  void set_header(const Image& header) { header_ = header; }

  Stack load(int first, int count) {
    read_all();
    Stack stack{count, stored_->shape().height, stored_->shape().width, {}};
    stack.voxels.resize(static_cast<std::size_t>(count) * plane_pixels(stack));
    for (int i = 0; i < count; ++i) {
      const int image = first + i;
      if (const std::string& error = errors_[static_cast<std::size_t>(image)]; !error.empty()) throw Error(error);
      const std::span<float> plane = plane_of(stack, i);
      stored_->read(image, {0, 0, stack.height, stack.width}, plane);
      for (std::size_t p = 0; p < background_.size(); ++p) plane[p] -= background_[p];
    }
    return stack;
  }

  const std::vector<float>& background() {
    read_all();
    return background_;
  }
  int height() const { return stored_->shape().height; }
  int width() const { return stored_->shape().width; }
  std::size_t images() const { return sources_.size(); }

 private:
  void read_all() {
    if (stored_) return;
    VoxelMemory memory = voxel_memory(settings_.memory_gib, settings_.scratch);
    const auto length = [&](char axis) {
      return static_cast<int>(header_.axes[*find_axis(header_.axes, axis)].length);
    };
    const StoredPlanes::Shape shape{static_cast<int>(sources_.size()), length('Y'), length('X')};
    auto stored = std::make_unique<StoredPlanes>(shape, header_, memory);
    errors_.resize(sources_.size());
    std::vector<int> readable;
    for (int i = 0; i < shape.planes; ++i) {
      if (interrupted()) throw Error("interrupted; nothing is written");
      const PlaneSource& source = sources_[static_cast<std::size_t>(i)];
      try {
        const Stack plane = read_planes(open_file(source.file.string(), {}), source.stack, source.plane, 1);
        stored->write(i, plane.voxels);
        readable.push_back(i);
      } catch (const Error& error) {
        errors_[static_cast<std::size_t>(i)] = error.what();
      }
    }
    stored_ = std::move(stored);
    if (!settings_.subtract_background || readable.empty()) return;
    say(common_, "{}: background from the medians of {} images", name_, readable.size());
    background_ = pixel_medians(*stored_, readable, *pool_);
  }

  std::string name_;
  PlateDataSettings settings_;
  CommonOptions common_;
  ThreadPool* pool_;
  std::vector<PlaneSource> sources_;
  Image header_;
  std::unique_ptr<StoredPlanes> stored_;
  std::vector<std::string> errors_;  // of each image; empty: it could be read
  std::vector<float> background_;
};

/// Sorts the files of a plate by what their names, and where these do not say it their axes, tell.
class PlateSorting {
 public:
  PlateSorting(const PlateDataSettings& settings, Findings& findings)
      : pattern_(settings.pattern), findings_(&findings) {
    for (const auto& [name, key] :
         {std::pair{"low", settings.low}, {"high", settings.high}, {"brightfield", settings.brightfield}})
      if (key != "none") keys_[key] = name;
  }

  void add(const fs::path& file) {
    const auto fields = pattern_.match(file.filename().string());
    if (!fields) {
      findings_->ignored.push_back(fmt::format("{}: the name does not fit the pattern", file.string()));
      return;
    }
    try {
      const OpenFile opened = open_file(file.string(), {});
      if (!size_) size_ = size_of(opened);
      if (size_of(opened) != *size_)
        findings_->unusable.push_back(fmt::format("{}: {}x{} pixels, {} has {}x{}", file.string(), size_of(opened)[0],
                                                  size_of(opened)[1], first_, (*size_)[0], (*size_)[1]));
      else
        add_planes(file, *fields, opened);
      if (first_.empty()) {
        first_ = file.string();
        header_ = without_values(opened.image);
      }
    } catch (const Error& error) {
      findings_->unusable.emplace_back(error.what());
    }
  }

  std::map<std::string, Field>& fields() { return fields_; }
  const Image& header() const { return header_; }

 private:
  using Names = std::map<std::string, std::string>;

  static std::array<int, 2> size_of(const OpenFile& file) {
    const Stack shape = stack_shape(file.image, file.selected.stacks.front());
    return {shape.height, shape.width};
  }

  static std::string text_of(const Names& names, const std::string& field) {
    const auto found = names.find(field);
    return found == names.end() ? "" : found->second;
  }

  static std::string without_zeros(const std::string& digits) {
    const std::size_t first = digits.find_first_not_of('0');
    return first == std::string::npos ? "0" : digits.substr(first);
  }

  /// "low"; empty: of no modality that was asked for.
  std::string modality(const Names& names, std::size_t channel_of_file) const {
    const std::string channel =
        pattern_.has("channel") ? without_zeros(text_of(names, "channel")) : fmt::format("{}", channel_of_file + 1);
    const std::string exposure = pattern_.has("exposure") ? without_zeros(text_of(names, "exposure")) : "";
    for (const std::string& key : {fmt::format("{}:{}", channel, exposure), exposure, channel})
      if (const auto found = keys_.find(key); !key.empty() && found != keys_.end()) return found->second;
    return {};
  }

  void add_planes(const fs::path& file, const Names& names, const OpenFile& opened) {
    const std::string well = pattern_.has("well")
                                 ? text_of(names, "well")
                                 : fmt::format("r{}c{}", text_of(names, "row"), text_of(names, "column"));
    Field& field = fields_[pattern_.has("field") ? fmt::format("{}f{}", well, text_of(names, "field")) : well];
    field.well = well;
    for (std::size_t s = 0; s < opened.selected.stacks.size(); ++s) {
      const std::string name = modality(names, channel_of(opened.image, opened.selected.stacks[s]));
      if (name.empty()) {
        findings_->ignored.push_back(fmt::format("{}: of none of the channels that were asked for", file.string()));
        continue;
      }
      const int planes = stack_shape(opened.image, opened.selected.stacks[s]).planes;
      if (pattern_.has("plane") && planes > 1)
        throw Error(fmt::format("{}: {} planes, but its name says that it is one", file.string(), planes));
      for (int p = 0; p < planes; ++p)
        add_plane(pattern_.has("plane") ? std::stoi(text_of(names, "plane")) : p + 1, {file, s, p},
                  field.modalities[name]);
    }
  }

  void add_plane(int number, const PlaneSource& source, Planes& planes) {
    const auto [place, is_new] = planes.try_emplace(number, source);
    if (!is_new)
      findings_->unusable.push_back(
          fmt::format("{}: the same plane as {}", source.file.string(), place->second.file.string()));
  }

  FilePattern pattern_;
  Findings* findings_;
  std::map<std::string, std::string> keys_;  // channel or exposure -> modality
  std::map<std::string, Field> fields_;      // by name
  std::optional<std::array<int, 2>> size_;
  std::string first_;
  Image header_;
};

/// What any field has, all should have; those that lack something are noted and taken out.
void check_completeness(std::map<std::string, Field>& fields, Findings& findings) {
  std::map<std::string, std::set<int>> whole;
  for (const auto& [name, field] : fields)
    for (const auto& [modality, planes] : field.modalities)
      for (const auto& [number, source] : planes) whole[modality].insert(number);
  std::erase_if(fields, [&](const auto& entry) {
    bool is_complete = true;
    for (const auto& [modality, numbers] : whole) {
      std::vector<int> missing;
      const auto found = entry.second.modalities.find(modality);
      for (const int number : numbers)
        if (found == entry.second.modalities.end() || !found->second.contains(number)) missing.push_back(number);
      if (missing.empty()) continue;
      is_complete = false;
      findings.unusable.push_back(fmt::format("{}: {} of plane{} {} is missing", entry.first, modality,
                                              missing.size() == 1 ? "" : "s", fmt::join(missing, ", ")));
    }
    return !is_complete;
  });
}

/// The paper's split: three fields of nine of the last well validate, six test, all others train.
std::map<std::string, Part> paper_parts(const std::map<std::string, Field>& fields, Findings& findings) {
  std::set<std::string> wells;
  std::vector<std::string> names;
  for (const auto& [name, field] : fields) {
    wells.insert(field.well);
    names.push_back(name);
  }
  if (wells.size() < 2) return apply_rules({"0.6", "0.1", "0.3"}, names, findings);
  std::map<std::string, Part> parts;
  std::vector<std::string> last;
  for (const auto& [name, field] : fields)
    if (field.well == *wells.rbegin())
      last.push_back(name);
    else
      parts[name] = Part::train;
  for (std::size_t i = 0; i < last.size(); ++i) parts[last[i]] = i < last.size() / 3 ? Part::validation : Part::test;
  return parts;
}

Image stack_header(int planes, const Image& image) {
  Image header = without_values(image);
  std::vector<Axis> axes{{'Z', static_cast<std::size_t>(planes), 1}};
  for (const char name : {'Y', 'X'}) axes.push_back(image.axes[*find_axis(image.axes, name)]);
  if (const auto z = find_axis(image.axes, 'Z')) axes[0].spacing = image.axes[*z].spacing;
  header.axes = axes;
  header.type = SampleType::float32;
  header.slope = 1;
  header.intercept = 0;
  return header;
}

}  // namespace

DataSetPlan plan_plate(const fs::path& folder, const PlateDataSettings& s, const CommonOptions& common,
                       ThreadPool& pool) {
  DataSetPlan plan;
  plan.kind = "microscopy";
  PlateSorting sorting(s, plan.findings);
  for (const fs::path& file : files_of(folder)) sorting.add(file);
  std::map<std::string, Field>& fields = sorting.fields();
  check_completeness(fields, plan.findings);
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const auto& [name, field] : fields) names.push_back(name);
  const std::map<std::string, Part> parts =
      s.parts.are_given() ? apply_rules(s.parts, names, plan.findings) : paper_parts(fields, plan.findings);
  std::map<std::string, std::shared_ptr<ModalityImages>> images;
  for (const auto& [name, field] : fields) {
    if (!parts.contains(name)) continue;
    PlannedStack stack{name, parts.at(name), {}};
    for (const auto& [modality, planes] : field.modalities) {
      std::shared_ptr<ModalityImages>& of_modality = images[modality];
      if (!of_modality) of_modality = std::make_shared<ModalityImages>(modality, s, common, pool);
      of_modality->set_header(sorting.header());
      const auto count = static_cast<int>(planes.size());
      PlannedCopy copy{
          modality, {}, stack_header(count, sorting.header()), [of_modality, first = of_modality->add(planes), count] {
            return of_modality->load(first, count);
          }};
      std::set<fs::path> files;
      for (const auto& [number, source] : planes) files.insert(source.file);
      copy.files.assign(files.begin(), files.end());
      stack.copies.push_back(std::move(copy));
    }
    plan.stacks.push_back(std::move(stack));
  }
  nlohmann::json counts;
  for (const auto& [modality, of_modality] : images) counts[modality] = of_modality->images();
  plan.settings = json_text(nlohmann::json{
      {"pattern", s.pattern},
      {"images", counts},
      {"background", s.subtract_background ? "the median of each pixel over all images of a modality, subtracted"
                                           : "left in place"}});
  if (s.subtract_background)
    for (const auto& [modality, of_modality] : images)
      plan.backgrounds.push_back(
          {modality, {}, stack_header(1, sorting.header()), [of_modality = of_modality] {
             return Stack{1, of_modality->height(), of_modality->width(), of_modality->background()};
           }});
  return plan;
}

}  // namespace n2s
