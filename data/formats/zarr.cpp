// Reads planes out of chunks: those of a plane are decoded side by side, and kept for the planes that share them.
#include "data/formats/zarr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "data/formats/zarr_array.h"
#include "data/formats/zarr_chunks.h"
#include "data/formats/zarr_image.h"
#include "data/samples.h"
#include "kernels/base/error.h"
#include "kernels/base/sample_cast.h"

namespace n2s {
namespace {

using Bytes = std::vector<std::byte>;
using Numbers = std::vector<std::size_t>;

constexpr std::size_t kKept = std::size_t{256} << 20;  // bytes of decoded chunks that wait for further planes

/// Samples from one to the next along each dimension of a chunk.
Numbers strides_in(const ZarrArray& array) {
  Numbers strides(array.chunks.size());
  std::size_t stride = 1;
  for (std::size_t i = array.order.size(); i-- > 0;) {
    strides[array.order[i]] = stride;
    stride *= array.chunks[array.order[i]];
  }
  return strides;
}

class ZarrReader final : public ImageReader {
 public:
  ZarrReader(const InputFile& file, const ZarrImage& image, ZarrArray array, const ReadOptions& options)
      : ImageReader({}), chunks_(std::move(array)), strides_(strides_in(chunks_.array())) {
    const ZarrArray& stored = chunks_.array();
    header().type = stored.type;
    if (is_integer(stored.type)) {
      header().slope = stored.scaling.slope;
      header().intercept = stored.scaling.intercept;
    }
    header().axes = named_axes(file.name(), stored.shape, options.axes, image.axes);
    header().axes_told = !image.axes.empty() || !options.axes.empty();
    header().unit = image.unit;
    for (std::size_t i = 0; i < image.spacing.size() && i < header().axes.size(); ++i)
      if (std::isfinite(image.spacing[i]) && image.spacing[i] > 0 && header().axes[i].name != 'C')
        header().axes[i].spacing = image.spacing[i];
    if (const auto y = header().axes.size();
        y < 2 || header().axes[y - 2].name != 'Y' || header().axes[y - 1].name != 'X')
      throw Error(
          fmt::format("{}: its last dimensions are not rows and columns; write it in the order TCZYX", file.name()));
    check_memory(file.name(), sample_count({header().axes.end() - 2, header().axes.end()}) * sizeof(float));
  }

  void read(std::size_t first, std::span<float> values) override {
    for (std::size_t done = 0; done < values.size(); done += plane_samples(), ++first)
      read_plane(first, values.subspan(done, plane_samples()));
  }

 private:
  /// Where a plane lies along the dimensions before the last two.
  Numbers position_of(std::size_t plane) const {
    const Numbers& shape = chunks_.array().shape;
    Numbers position(shape.size() - 2);
    for (std::size_t i = position.size(); i-- > 0; plane /= shape[i]) position[i] = plane % shape[i];
    return position;
  }

  void read_plane(std::size_t plane, std::span<float> values) {
    const ZarrArray& array = chunks_.array();
    const Numbers position = position_of(plane);
    Numbers chunk(array.shape.size());
    for (std::size_t i = 0; i < position.size(); ++i) chunk[i] = position[i] / array.chunks[i];
    const std::size_t y = position.size();
    const std::size_t x = y + 1;
    std::vector<Numbers> needed;
    for (chunk[y] = 0; chunk[y] * array.chunks[y] < array.shape[y]; ++chunk[y])
      for (chunk[x] = 0; chunk[x] * array.chunks[x] < array.shape[x]; ++chunk[x]) needed.push_back(chunk);
    std::size_t inside = 0;
    for (std::size_t i = 0; i < y; ++i) inside += position[i] % array.chunks[i] * strides_[i];
    forget_others(chunk);
    // As many at a time as there are threads, so that no more than these wait in memory.
    const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t begin = 0; begin < needed.size(); begin += threads) {
      std::vector<std::future<std::shared_ptr<const Bytes>>> decoded;
      for (std::size_t i = begin; i < std::min(begin + threads, needed.size()); ++i)
        decoded.push_back(std::async(std::launch::async, [this, &at = needed[i]] { return decode(at); }));
      for (std::size_t i = 0; i < decoded.size(); ++i) {
        const std::shared_ptr<const Bytes> bytes = decoded[i].get();
        place(needed[begin + i], *bytes, inside, values);
        keep(needed[begin + i], bytes);
      }
    }
  }

  std::shared_ptr<const Bytes> decode(const Numbers& chunk) const {
    if (const auto known = kept_.find(chunk); known != kept_.end()) return known->second;
    return std::make_shared<const Bytes>(chunks_.read(chunk));
  }

  /// Chunks of other layers than `chunk`'s are needed no more.
  void forget_others(const Numbers& chunk) {
    const Numbers layer(chunk.begin(), chunk.end() - 2);
    if (layer == layer_) return;
    layer_ = layer;
    kept_.clear();
    kept_bytes_ = 0;
  }

  void keep(const Numbers& chunk, const std::shared_ptr<const Bytes>& bytes) {
    if (kept_bytes_ + bytes->size() > kKept) return;
    if (kept_.emplace(chunk, bytes).second) kept_bytes_ += bytes->size();
  }

  /// The plane's part of a chunk, `inside` samples from its beginning.
  void place(const Numbers& chunk, const Bytes& bytes, std::size_t inside, std::span<float> values) const {
    const ZarrArray& array = chunks_.array();
    const std::size_t y = array.shape.size() - 2;
    const std::size_t x = y + 1;
    const std::size_t top = chunk[y] * array.chunks[y];
    const std::size_t left = chunk[x] * array.chunks[x];
    const std::size_t rows = std::min(array.chunks[y], array.shape[y] - top);
    const std::size_t columns = std::min(array.chunks[x], array.shape[x] - left);
    const std::size_t size = sample_bytes(array.type);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::span<float> to = values.subspan((top + row) * array.shape[x] + left, columns);
      if (bytes.empty()) {
        std::fill(to.begin(), to.end(), nearest_float(array.fill * array.scaling.slope + array.scaling.intercept));
        continue;
      }
      const std::size_t from = inside + row * strides_[y];
      if (strides_[x] == 1) {
        decode_samples(std::span(bytes).subspan(from * size), array.type, array.swapped, array.scaling, to);
        continue;
      }
      for (std::size_t column = 0; column < columns; ++column)
        decode_samples(std::span(bytes).subspan((from + column * strides_[x]) * size), array.type, array.swapped,
                       array.scaling, to.subspan(column, 1));
    }
  }

  ZarrChunks chunks_;
  Numbers strides_;
  Numbers layer_;  // of the chunks that are kept
  std::map<Numbers, std::shared_ptr<const Bytes>> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace

bool is_zarr(const InputFile& file) {
  return file.is_folder();
}

std::unique_ptr<ImageReader> open_zarr(std::shared_ptr<const InputFile> file, const ReadOptions& options) {
  const ZarrImage image = find_zarr_image(file->name(), options);
  return std::make_unique<ZarrReader>(*file, image, open_zarr_array(image.array), options);
}

}  // namespace n2s
