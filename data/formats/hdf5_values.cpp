// See hdf5_values.h.
#include "data/formats/hdf5_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "data/formats/hdf5_attributes.h"
#include "data/formats/hdf5_handle.h"
#include "data/text.h"
#include "kernels/base/sample_cast.h"

namespace n2s {
namespace {

constexpr std::string_view kMincImages = "/minc-2.0/image/";

/// Of an attribute that is a single finite number.
std::optional<double> number(hid_t dataset, const char* attribute) {
  const std::vector<double> numbers = hdf5_numbers(dataset, attribute);
  if (numbers.size() != 1 || !std::isfinite(numbers.front())) return std::nullopt;
  return numbers.front();
}

/// "/t00000/s00/0/cells"
bool is_big_data_viewer(const std::string& path) {
  return path.starts_with("/t") && path.find("/s") != std::string::npos && path.ends_with("/cells");
}

bool says_unsigned(hid_t dataset) {
  const std::vector<std::string> text = hdf5_strings(dataset, "_Unsigned");
  return text.size() == 1 && lower_case(text.front()) == "true";
}

std::optional<SampleType> without_sign(SampleType type) {
  switch (type) {
    case SampleType::int8:
      return SampleType::uint8;
    case SampleType::int16:
      return SampleType::uint16;
    case SampleType::int32:
      return SampleType::uint32;
    default:
      return std::nullopt;
  }
}

Hdf5Values packed_values(hid_t dataset, const std::string& path, SampleType type) {
  Hdf5Values meaning;
  meaning.type = type;
  const bool is_unsigned = says_unsigned(dataset) || (type == SampleType::int16 && is_big_data_viewer(path));
  if (const auto plain = without_sign(type); plain && is_unsigned) {
    meaning.type = *plain;
    meaning.wrap = std::exp2(8 * sample_bytes(type));
  }
  const double slope = number(dataset, "scale_factor").value_or(1);
  if (slope != 0) meaning.parts = {{slope, number(dataset, "add_offset").value_or(0)}};
  meaning.missing = number(dataset, "_FillValue");
  if (meaning.missing && *meaning.missing < 0) *meaning.missing += meaning.wrap;
  if (meaning.missing && is_integer(type)) meaning.type = SampleType::float32;
  return meaning;
}

/// One of the datasets beside a volume: for each of its slices a number, or for each time, or one for all. As the
/// format has it, `otherwise` where there is none.
std::vector<double> read_range(hid_t file, const std::string& path, const std::vector<hsize_t>& shape, double otherwise,
                               const std::string& name) {
  if (H5Lexists(file, path.c_str(), H5P_DEFAULT) <= 0) return {otherwise};
  const std::string failure = fmt::format("{}: damaged dataset '{}'; copy or download it again", name, path);
  const Hdf5Handle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, failure);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose, failure);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0 || static_cast<std::size_t>(rank) + 2 > shape.size()) throw Error(failure);
  std::vector<hsize_t> lengths(static_cast<std::size_t>(rank));
  if (rank > 0) check_hdf5(H5Sget_simple_extent_dims(space.get(), lengths.data(), nullptr), failure);
  if (!std::equal(lengths.begin(), lengths.end(), shape.begin())) throw Error(failure);
  std::size_t count = 1;
  for (const hsize_t length : lengths) count *= length;
  std::vector<double> numbers(count);
  check_hdf5(H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()), failure);
  if (!std::all_of(numbers.begin(), numbers.end(), [](double value) { return std::isfinite(value); }))
    throw Error(failure);
  return numbers;
}

/// Floats are values already.
Hdf5Values minc_values(hid_t file, hid_t dataset, const std::string& path, const std::vector<hsize_t>& shape,
                       SampleType type, const std::string& name) {
  Hdf5Values meaning;
  meaning.type = type;
  if (!is_integer(type)) return meaning;
  std::array<double, 2> stored = integer_range(type);
  if (const std::vector<double> valid = hdf5_numbers(dataset, "valid_range"); valid.size() == 2 && valid[0] != valid[1])
    stored = {std::min(valid[0], valid[1]), std::max(valid[0], valid[1])};
  meaning.lowest = stored[0];
  meaning.highest = stored[1];
  const std::vector<double> low = read_range(file, path + "-min", shape, 0, name);
  const std::vector<double> high = read_range(file, path + "-max", shape, 1, name);
  meaning.parts.resize(std::max(low.size(), high.size()));
  if (meaning.parts.size() % low.size() != 0 || meaning.parts.size() % high.size() != 0)
    throw Error(fmt::format("{}: {} lowest values of slices, but {} highest; copy or download it again", name,
                            low.size(), high.size()));
  for (std::size_t i = 0; i < meaning.parts.size(); ++i) {
    const double from = low[i * low.size() / meaning.parts.size()];
    const double to = high[i * high.size() / meaning.parts.size()];
    const double slope = (to - from) / (stored[1] - stored[0]);
    meaning.parts[i] = {slope, from - stored[0] * slope};
  }
  if (meaning.parts.size() > 1 || meaning.parts.front().slope == 0) meaning.type = SampleType::float32;
  return meaning;
}

}  // namespace

bool is_minc_volume(const std::string& path) {
  return path.starts_with(kMincImages) && path.ends_with("/image");
}

bool is_minc_range(const std::string& path) {
  return path.starts_with(kMincImages) && (path.ends_with("/image-min") || path.ends_with("/image-max"));
}

Hdf5Values read_hdf5_values(hid_t file, hid_t dataset, const std::string& path, const std::vector<hsize_t>& shape,
                            SampleType type, const std::string& name) {
  return is_minc_volume(path) ? minc_values(file, dataset, path, shape, type, name)
                              : packed_values(dataset, path, type);
}

void to_values(const Hdf5Values& meaning, std::size_t first, std::size_t planes, std::size_t plane_samples,
               std::span<float> values) {
  const bool as_stored = meaning.parts.size() == 1 && meaning.parts.front().is_identity() && meaning.wrap == 0;
  if (as_stored && !meaning.missing) return;
  const double missing = meaning.missing.value_or(0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double stored = double{values[i]} < 0 ? values[i] + meaning.wrap : double{values[i]};
    const Scaling& scaling = meaning.parts[(first + i / plane_samples) * meaning.parts.size() / planes];
    values[i] = nearest_float(std::clamp(stored, meaning.lowest, meaning.highest) * scaling.slope + scaling.intercept);
    if (meaning.missing && stored == missing) values[i] = std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace n2s
