// See hdf5.h.
#include "data/formats/hdf5.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <utility>

#include "data/formats/hdf5_attributes.h"
#include "data/formats/hdf5_axes.h"
#include "data/formats/hdf5_handle.h"
#include "data/formats/hdf5_values.h"
#include "data/input_file.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

std::optional<SampleType> type_of(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  const std::size_t size = H5Tget_size(type);
  if (kind == H5T_FLOAT) return size <= 4 ? SampleType::float32 : SampleType::float64;
  if (kind != H5T_INTEGER) return std::nullopt;
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  switch (size) {
    case 1:
      return is_signed ? SampleType::int8 : SampleType::uint8;
    case 2:
      return is_signed ? SampleType::int16 : SampleType::uint16;
    case 4:
      return is_signed ? SampleType::int32 : SampleType::uint32;
    case 8:
      return is_signed ? SampleType::int64 : SampleType::uint64;
    default:
      return std::nullopt;
  }
}

std::vector<hsize_t> shape_of(hid_t dataset, const std::string& failure) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose, failure);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0 || rank > H5S_MAX_RANK) throw Error(failure);
  std::vector<hsize_t> shape(static_cast<std::size_t>(rank));
  if (rank > 0) check_hdf5(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), failure);
  return shape;
}

Hdf5Handle open_file(const std::string& name) {
  silence_hdf5();
  return {H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose,
          fmt::format("{}: damaged or incomplete HDF5 file, or one that is being written; copy or download it again",
                      name)};
}

// Called by the library for every object: must not throw.
herr_t collect(hid_t, const char* name, const H5O_info_t* info, void* into) {
  try {
    if (info->type == H5O_TYPE_DATASET) static_cast<std::vector<std::string>*>(into)->push_back(name);
    return 0;
  } catch (const std::exception&) {
    return -1;
  }
}

std::vector<Hdf5Dataset> list_open(hid_t file, const std::string& name) {
  std::vector<std::string> names;
  check_hdf5(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, collect, &names, H5O_INFO_BASIC),
             fmt::format("{}: damaged HDF5 file: cannot list its datasets; copy or download it again", name));
  std::vector<Hdf5Dataset> list;
  for (const std::string& path : names) {
    const std::string failure = fmt::format("{}: damaged dataset '{}'; copy or download it again", name, path);
    const Hdf5Handle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, failure);
    const Hdf5Handle stored(H5Dget_type(dataset.get()), H5Tclose, failure);
    const std::optional<SampleType> type = type_of(stored.get());
    if (!type) continue;
    const std::vector<hsize_t> shape = shape_of(dataset.get(), failure);
    list.push_back({fmt::format("/{}", path), {shape.begin(), shape.end()}, *type});
  }
  return list;
}

std::string list_text(const std::vector<Hdf5Dataset>& list) {
  constexpr std::size_t kMostNamed = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(list.size(), kMostNamed); ++i)
    text += fmt::format("{}{} ({} {})", i == 0 ? "" : ", ", list[i].path, fmt::join(list[i].shape, "x"),
                        sample_type_name(list[i].type));
  if (list.size() > kMostNamed) text += fmt::format(" and {} more", list.size() - kMostNamed);
  return text.empty() ? "none" : text;
}

bool has_planes(const Hdf5Dataset& dataset) {
  return dataset.shape.size() >= 2 && dataset.shape.size() <= 5;
}

std::string choose_dataset(hid_t file, const std::string& name, std::string requested) {
  const std::vector<Hdf5Dataset> list = list_open(file, name);
  if (!requested.empty()) {
    if (requested[0] != '/') requested = fmt::format("/{}", requested);
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Hdf5Dataset& dataset) { return dataset.path == requested; });
    if (found == list.end())
      throw Error(
          fmt::format("{}: there is no dataset '{}' of numbers; there are: {}", name, requested, list_text(list)));
    if (!has_planes(*found))
      throw Error(
          fmt::format("{}: dataset '{}' has {} dimensions; 2 to 5 can be read", name, requested, found->shape.size()));
    return requested;
  }
  std::vector<Hdf5Dataset> candidates;
  std::copy_if(list.begin(), list.end(), std::back_inserter(candidates),
               [](const Hdf5Dataset& dataset) { return has_planes(dataset) && !is_minc_range(dataset.path); });
  if (candidates.size() == 1) return candidates[0].path;
  if (candidates.empty())
    throw Error(
        fmt::format("{}: there is no dataset of numbers with 2 to 5 dimensions; there are: {}", name, list_text(list)));
  throw Error(fmt::format("{}: choose a dataset with --dataset: {}", name, list_text(candidates)));
}

// Raw data in other files (external, virtual) is refused: a file from elsewhere must not make this program read them.
void check_storage(hid_t dataset, const std::string& name, const std::string& failure, std::uint64_t file_bytes,
                   std::uint64_t decoded) {
  const Hdf5Handle creation(H5Dget_create_plist(dataset), H5Pclose, failure);
  if (H5Pget_layout(creation.get()) == H5D_VIRTUAL ||
      (H5Pget_layout(creation.get()) == H5D_CONTIGUOUS && H5Pget_external_count(creation.get()) > 0))
    throw Error(fmt::format("{}: the dataset's values are in other files; copy them into one (h5repack)", name));
  const std::uint64_t stored = H5Dget_storage_size(dataset);
  const bool contiguous = H5Pget_layout(creation.get()) == H5D_CONTIGUOUS;
  if (contiguous && stored != 0 && stored < decoded) fail_ends_early(name, stored, decoded, "values");
  if (contiguous && stored > file_bytes) fail_ends_early(name, file_bytes, stored, "values");
  // A dataset that nothing was written to reads as its fill value and occupies nothing.
  check_expansion(name, std::min(std::max<std::uint64_t>(stored, 1), file_bytes), decoded);
}

void set_spacing(Image& image, char name, double spacing) {
  if (const auto axis = find_axis(image.axes, name)) image.axes[*axis].spacing = spacing;
}

bool is_spacing(double value) {
  return std::isfinite(value) && value > 0;
}

/// In micrometres, Z Y X.
void read_spacing(hid_t dataset, Image& image) {
  const std::vector<double> spacing = hdf5_numbers(dataset, kHdf5Spacing);
  if (spacing.size() != 3 || !std::all_of(spacing.begin(), spacing.end(), is_spacing)) return;
  constexpr std::array<char, 3> kNames = {'Z', 'Y', 'X'};
  for (std::size_t i = 0; i < 3; ++i) set_spacing(image, kNames[i], spacing[i]);
  image.unit = "micron";
}

/// In millimetres and seconds; a step below 0 goes the other way along the axis.
void read_minc_spacing(hid_t file, Image& image) {
  constexpr std::array<std::pair<char, const char*>, 4> kDimensions = {
      {{'X', "xspace"}, {'Y', "yspace"}, {'Z', "zspace"}, {'T', "time"}}};
  for (const auto& [name, dimension] : kDimensions) {
    const std::string path = fmt::format("/minc-2.0/dimensions/{}", dimension);
    const hid_t object = H5Oopen(file, path.c_str(), H5P_DEFAULT);
    if (object < 0) continue;
    const Hdf5Handle owner(object, H5Oclose, "");
    const std::vector<double> step = hdf5_numbers(object, "step");
    if (step.size() == 1 && is_spacing(std::abs(step.front()))) set_spacing(image, name, std::abs(step.front()));
  }
  image.unit = "mm";
}

}  // namespace

std::string hdf5_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  return H5get_libversion(&major, &minor, &release) < 0 ? "unknown" : fmt::format("{}.{}.{}", major, minor, release);
}

std::vector<Hdf5Dataset> list_hdf5(const std::filesystem::path& path) {
  const InputFile input(path);
  const Hdf5Handle file = open_file(input.name());
  return list_open(file.get(), input.name());
}

bool is_hdf5(const InputFile& file) {
  for (std::uint64_t offset = 0; offset <= 1 << 20; offset = offset == 0 ? 512 : offset * 2)
    if (file.has("\x89HDF\r\n\x1a\n", offset)) return true;
  return false;
}

namespace {

std::string cannot_read(const std::string& name, const std::string& dataset) {
  return fmt::format(
      "{}: cannot read dataset '{}': the file is damaged, incomplete or needs a compression plug-in that is not "
      "installed",
      name, dataset);
}

/// The library is not thread-safe, and two files may be read at the same time.
std::mutex& library() {
  static std::mutex mutex;
  return mutex;
}

class Hdf5Reader final : public ImageReader {
 public:
  Hdf5Reader(const InputFile& input, const ReadOptions& options)
      : ImageReader({}),
        file_(open_file(input.name())),
        chosen_(choose_dataset(file_.get(), input.name(), options.dataset)),
        failure_(cannot_read(input.name(), chosen_)),
        dataset_(H5Dopen2(file_.get(), chosen_.c_str(), H5P_DEFAULT), H5Dclose, failure_),
        shape_(shape_of(dataset_.get(), failure_)) {
    const Hdf5Handle stored(H5Dget_type(dataset_.get()), H5Tclose, failure_);
    header().type = type_of(stored.get()).value_or(SampleType::float32);
    const std::string own = read_hdf5_axes(dataset_.get(), shape_.size());
    header().axes = named_axes(input.name(), {shape_.begin(), shape_.end()}, options.axes, own);
    header().axes_told = !own.empty() || !options.axes.empty();
    check_storage(dataset_.get(), input.name(), failure_, input.size(),
                  sample_count(header().axes) * H5Tget_size(stored.get()));
    read_spacing(dataset_.get(), header());
    meaning_ = read_hdf5_values(file_.get(), dataset_.get(), chosen_, shape_, header().type, input.name());
    header().type = meaning_.type;
    if (is_integer(meaning_.type)) {  // written with the slope that they were read with
      header().slope = meaning_.parts.front().slope;
      header().intercept = meaning_.parts.front().intercept;
    }
    if (is_minc_volume(chosen_)) {
      set_medical();
      read_minc_spacing(file_.get(), header());
    }
  }

  void read(std::size_t first, std::span<float> values) override {
    const std::lock_guard<std::mutex> alone(library());
    if (values.size() == sample_count(header().axes)) {
      check_hdf5(H5Dread(dataset_.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), failure_);
    } else {
      for (std::size_t done = 0; done < values.size(); done += plane_samples())
        read_plane(first + done / plane_samples(), values.subspan(done, plane_samples()));
    }
    to_values(meaning_, first, sample_count(header().axes) / plane_samples(), plane_samples(), values);
  }

 private:
  void read_plane(std::size_t number, std::span<float> values) const {
    std::vector<hsize_t> start(shape_.size(), 0);
    std::vector<hsize_t> count(shape_.size(), 1);
    count[shape_.size() - 2] = shape_[shape_.size() - 2];
    count.back() = shape_.back();
    for (std::size_t i = shape_.size() - 2; i-- > 0; number /= shape_[i]) start[i] = number % shape_[i];
    const Hdf5Handle from(H5Dget_space(dataset_.get()), H5Sclose, failure_);
    const Hdf5Handle to(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose, failure_);
    check_hdf5(H5Sselect_hyperslab(from.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr), failure_);
    check_hdf5(H5Dread(dataset_.get(), H5T_NATIVE_FLOAT, to.get(), from.get(), H5P_DEFAULT, values.data()), failure_);
  }

  Hdf5Handle file_;
  std::string chosen_, failure_;
  Hdf5Handle dataset_;
  std::vector<hsize_t> shape_;
  Hdf5Values meaning_;
};

}  // namespace

std::unique_ptr<ImageReader> open_hdf5(std::shared_ptr<const InputFile> input, const ReadOptions& options) {
  auto reader = std::make_unique<Hdf5Reader>(*input, options);
  const std::vector<Axis>& axes = reader->image().axes;
  if (axes[axes.size() - 2].name == 'Y' && axes.back().name == 'X') return reader;
  check_memory(input->name(), sample_count(axes) * sizeof(float));
  Image whole = reader->read_all();
  put_plane_axes_last(whole);
  return reader_of(std::move(whole));
}

}  // namespace n2s
