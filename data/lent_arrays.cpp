// See lent_arrays.h.
#include "data/lent_arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

/// Those of the innermost LentArrays of this thread; null: none.
const std::map<std::string, LentArray>*& current_arrays() {
  thread_local const std::map<std::string, LentArray>* arrays = nullptr;
  return arrays;
}

/// An array with its axes in an order that ends in Y and X.
struct Planes {
  std::vector<Axis> axes;
  std::vector<std::ptrdiff_t> strides;

  std::ptrdiff_t offset(std::size_t plane) const {
    std::ptrdiff_t bytes = 0;
    for (std::size_t i = axes.size() - 2; i-- > 0; plane /= axes[i].length)
      bytes += static_cast<std::ptrdiff_t>(plane % axes[i].length) * strides[i];
    return bytes;
  }
};

Planes planes_of(const std::string& name, const LentArray& array, const std::string& requested) {
  if (array.shape.empty() || array.shape.size() != array.strides.size() ||
      std::find(array.shape.begin(), array.shape.end(), 0) != array.shape.end())
    throw Error(fmt::format("{}: an array of shape ({}) holds no image", name, fmt::join(array.shape, ", ")));
  const std::vector<Axis> named = named_axes(name, array.shape, requested, array.axes);
  if (array.data == nullptr && (named[named.size() - 2].name != 'Y' || named.back().name != 'X'))
    throw Error(fmt::format("{}: is read plane by plane, so its last axes must be Y and X, not {}", name,
                            describe_axes(named)));
  Planes planes;
  const auto take = [&](bool in_plane) {
    for (std::size_t i = 0; i < named.size(); ++i) {
      if ((named[i].name == 'Y' || named[i].name == 'X') != in_plane) continue;
      planes.axes.push_back(named[i]);
      planes.strides.push_back(array.strides[i]);
    }
  };
  take(false);
  take(true);
  if (planes.axes.back().name == 'Y') {
    std::swap(planes.axes.back(), planes.axes[planes.axes.size() - 2]);
    std::swap(planes.strides.back(), planes.strides[planes.strides.size() - 2]);
  }
  return planes;
}

Image header_of(const LentArray& array, const Planes& planes, bool axes_told) {
  Image header;
  header.axes = planes.axes;
  header.type = array.type;
  header.axes_told = axes_told;
  return header;
}

class LentReader final : public ImageReader {
 public:
  LentReader(const LentArray& array, Planes planes, bool axes_told)
      : ImageReader(header_of(array, planes, axes_told)), array_(array), planes_(std::move(planes)) {}

  void read(std::size_t first, std::span<float> values) override {
    const std::size_t size = sample_bytes(array_.type);
    if (array_.read) {
      std::vector<std::byte> samples(values.size() * size);
      array_.read(first, values.size() / plane_samples(), samples);
      return decode_samples(samples, array_.type, false, {}, values);
    }
    const std::size_t width = planes_.axes.back().length;
    const std::ptrdiff_t row = planes_.strides[planes_.strides.size() - 2];
    const std::ptrdiff_t column = planes_.strides.back();
    std::vector<std::byte> gathered(column == static_cast<std::ptrdiff_t>(size) ? 0 : width * size);
    for (std::size_t done = 0; done < values.size(); done += width) {
      const std::size_t y = done % plane_samples() / width;
      const std::byte* from =
          array_.data + planes_.offset(first + done / plane_samples()) + static_cast<std::ptrdiff_t>(y) * row;
      std::span<const std::byte> samples(from, width * size);
      if (!gathered.empty()) {
        for (std::size_t x = 0; x < width; ++x)
          std::memcpy(gathered.data() + x * size, from + static_cast<std::ptrdiff_t>(x) * column, size);
        samples = gathered;
      }
      decode_samples(samples, array_.type, false, {}, values.subspan(done, width));
    }
  }

 private:
  LentArray array_;
  Planes planes_;
};

std::string order_of(const Image& header) {
  std::string order;
  for (const Axis& axis : header.axes) order += axis.name;
  return order;
}

class LentWriter final : public ImageWriter {
 public:
  LentWriter(const LentArray& array, Planes planes, Image header)
      : ImageWriter(header, order_of(header)), array_(array), planes_(std::move(planes)) {}

  void commit() override {}

 private:
  void write_stored(std::size_t number, std::span<const float> plane) override {
    const std::size_t size = sample_bytes(array_.type);
    if (array_.write) {
      std::vector<std::byte> samples(plane.size() * size);
      encode_samples(plane, array_.type, false, {}, samples);
      return array_.write(number, 1, samples);
    }
    const std::size_t width = planes_.axes.back().length;
    const std::ptrdiff_t column = planes_.strides.back();
    std::vector<std::byte> row(width * size);
    std::byte* to = array_.data + planes_.offset(number);
    for (std::size_t done = 0; done < plane.size(); done += width, to += planes_.strides[planes_.strides.size() - 2]) {
      encode_samples(plane.subspan(done, width), array_.type, false, {}, row);
      for (std::size_t x = 0; x < width; ++x)
        std::memcpy(to + static_cast<std::ptrdiff_t>(x) * column, row.data() + x * size, size);
    }
  }

  LentArray array_;
  Planes planes_;
};

}  // namespace

LentArrays::LentArrays(std::map<std::string, LentArray> arrays)
    : arrays_(std::move(arrays)), before_(current_arrays()) {
  for (const auto& [name, array] : arrays_) planes_of(name, array, "");
  current_arrays() = &arrays_;
}

LentArrays::~LentArrays() {
  current_arrays() = before_;
}

const LentArray* lent_array(const std::filesystem::path& path) {
  if (current_arrays() == nullptr) return nullptr;
  const auto found = current_arrays()->find(path.string());
  return found == current_arrays()->end() ? nullptr : &found->second;
}

std::unique_ptr<ImageReader> lent_reader(const std::string& name, const LentArray& array, const ReadOptions& options) {
  return std::make_unique<LentReader>(array, planes_of(name, array, options.axes),
                                      !array.axes.empty() || !options.axes.empty());
}

std::unique_ptr<ImageWriter> lent_writer(const std::string& name, const LentArray& array, Image header) {
  Planes planes = planes_of(name, array, "");
  const auto length = [](const std::vector<Axis>& axes) { return describe_axes(axes); };
  std::vector<Axis> wanted = header.axes;
  for (Axis& axis : wanted) axis.spacing = 1;
  // The array's leading axes in the result's order.
  Planes ordered;
  for (const Axis& axis : wanted)
    if (const auto at = find_axis(planes.axes, axis.name); at && planes.axes[*at].length == axis.length) {
      ordered.axes.push_back(axis);
      ordered.strides.push_back(planes.strides[*at]);
    }
  if (ordered.axes.size() != wanted.size() || planes.axes.size() != wanted.size())
    throw Error(fmt::format("{}: is an array of {}, but the result has {}", name, length(planes.axes), length(wanted)));
  header.type = array.type;
  return std::make_unique<LentWriter>(array, std::move(ordered), std::move(header));
}

}  // namespace n2s
