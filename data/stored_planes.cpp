// A plane lies in tiles, row by row of them, so that a window of a training image is a few consecutive parts of a file
// instead of one for each of its rows. Tiles at the right and lower edge are as small as what is left.
#include "data/stored_planes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/samples.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

constexpr int kTile = 64;  // pixels: 8 KiB of 16-bit samples

Image stored_header(const Image& header) {
  Image kept;
  kept.type = SampleType::float32;
  const bool is_scaled = header.slope != 1 || header.intercept != 0;
  if (sample_bytes(header.type) > 2 || (is_scaled && !is_integer(header.type))) return kept;
  kept.type = header.type;
  kept.slope = header.slope;
  kept.intercept = header.intercept;
  return kept;
}

/// Along one axis: the tile that a pixel lies in begins here, and is so long.
struct Span {
  int begin = 0, length = 0;
};
Span tile_at(int pixel, int size) {
  const int begin = pixel / kTile * kTile;
  return {begin, std::min(kTile, size - begin)};
}

std::size_t area(int height, int width) {
  return static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
}

bool same_values(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](float one, float other) { return one == other || (std::isnan(one) && std::isnan(other)); });
}

/// Calls work(tile's rows, tile's columns, number of the tile's first sample in the plane) for all that the window
/// touches.
template <class Work>
void for_each_tile(const StoredPlanes::Shape& shape, const PlaneWindow& window, Work&& work) {
  for (Span rows = tile_at(window.top, shape.height); rows.begin < window.top + window.height;
       rows = tile_at(rows.begin + kTile, shape.height))
    for (Span columns = tile_at(window.left, shape.width); columns.begin < window.left + window.width;
         columns = tile_at(columns.begin + kTile, shape.width))
      work(rows, columns, area(rows.begin, shape.width) + area(rows.length, columns.begin));
}

}  // namespace

StoredPlanes::StoredPlanes(const Shape& shape, const Image& header, VoxelMemory& memory)
    : shape_(shape), header_(stored_header(header)) {
  const auto processes = static_cast<std::size_t>(memory.processes);
  const std::size_t fitting = memory.free / std::max<std::size_t>(1, plane_bytes()) * processes;
  in_memory_ = std::min(fitting, static_cast<std::size_t>(shape.planes));
  const std::size_t in_each = (in_memory_ + processes - 1) / processes;
  if (processes > 1) {
    distributed_ = memory.distribute(in_each * plane_bytes());
  } else {
    here_.resize(in_memory_);
    for (auto& plane : here_)
      plane = std::make_unique_for_overwrite<std::byte[]>(plane_bytes());  // NOLINT(*-avoid-c-arrays)
  }
  memory.free -= in_each * plane_bytes();
  const std::uint64_t rest = (static_cast<std::uint64_t>(shape.planes) - in_memory_) * plane_bytes();
  if (rest == 0) return;
  if (!memory.scratch) memory.scratch = std::make_shared<ScratchFile>(memory.folder);
  scratch_ = memory.scratch;
  scratch_begin_ = scratch_->reserve(rest);
  memory.on_disk += rest;
}

std::size_t StoredPlanes::plane_bytes() const {
  return area(shape_.height, shape_.width) * sample_bytes(header_.type);
}

std::uint64_t StoredPlanes::place_on_disk(std::size_t plane) const {
  return scratch_begin_ + (plane - in_memory_) * plane_bytes();
}

void StoredPlanes::expect(int plane, const PlaneWindow& window) const {
  const auto number = static_cast<std::size_t>(plane);
  if (number < in_memory_) return;
  const std::size_t bytes = sample_bytes(header_.type);
  for_each_tile(shape_, window, [&](Span rows, Span columns, std::size_t first) {
    scratch_->expect(place_on_disk(number) + first * bytes, area(rows.length, columns.length) * bytes);
  });
}

void StoredPlanes::write(int plane, std::span<const float> values) {
  std::vector<std::byte> tiled(plane_bytes());
  std::vector<float> tile, decoded;
  for_each_tile(shape_, {0, 0, shape_.height, shape_.width}, [&](Span rows, Span columns, std::size_t first) {
    tile.clear();
    for (int y = rows.begin; y < rows.begin + rows.length; ++y) {
      const auto row = values.subspan(area(y, shape_.width) + static_cast<std::size_t>(columns.begin),
                                      static_cast<std::size_t>(columns.length));
      tile.insert(tile.end(), row.begin(), row.end());
    }
    const std::size_t bytes = sample_bytes(header_.type);
    const std::span<std::byte> encoded = std::span(tiled).subspan(first * bytes, tile.size() * bytes);
    encode_samples(tile, header_.type, false, {header_.slope, header_.intercept}, encoded);
    decoded.resize(tile.size());
    decode_samples(encoded, header_.type, false, {header_.slope, header_.intercept}, decoded);
    if (!same_values(tile, decoded))
      throw Error(fmt::format("plane {}: has values that are none of {}, the file's sample type; convert it to float32",
                              plane, sample_type_name(header_.type)));
  });
  const auto number = static_cast<std::size_t>(plane);
  if (number < in_memory_)
    keep(number, tiled);
  else
    scratch_->write_at(place_on_disk(number), tiled);
}

/// Within the part of the process that has it.
std::size_t StoredPlanes::place_in_memory(std::size_t plane) const {
  return plane / static_cast<std::size_t>(distributed_->count()) * plane_bytes();
}

void StoredPlanes::keep(std::size_t plane, std::span<const std::byte> bytes) {
  if (!distributed_) {
    std::memcpy(here_[plane].get(), bytes.data(), bytes.size());
  } else if (plane % static_cast<std::size_t>(distributed_->count()) ==
             static_cast<std::size_t>(distributed_->rank())) {
    std::memcpy(distributed_->own().data() + place_in_memory(plane), bytes.data(), bytes.size());
  }
}

void StoredPlanes::complete() {
  if (distributed_) distributed_->complete();
}

void StoredPlanes::read(int plane, const PlaneWindow& window, std::span<float> values) const {
  const auto number = static_cast<std::size_t>(plane);
  const std::size_t bytes = sample_bytes(header_.type);
  const bool on_disk = number >= in_memory_;
  std::vector<std::byte> fetched;
  for_each_tile(shape_, window, [&](Span rows, Span columns, std::size_t first) {
    const int top = std::max(rows.begin, window.top);
    const int bottom = std::min(rows.begin + rows.length, window.top + window.height);
    const int left = std::max(columns.begin, window.left);
    const int right = std::min(columns.begin + columns.length, window.left + window.width);
    // The rows of the tile that are wanted follow one another.
    const std::size_t begin = (first + area(top - rows.begin, columns.length)) * bytes;
    const std::size_t length = area(bottom - top, columns.length) * bytes;
    std::span<const std::byte> stored;
    if (!on_disk && !distributed_) {
      stored = {here_[number].get() + begin, length};
    } else {
      fetched.resize(length);
      if (on_disk)
        scratch_->read_at(place_on_disk(number) + begin, fetched);
      else
        distributed_->read(static_cast<int>(number % static_cast<std::size_t>(distributed_->count())),
                           place_in_memory(number) + begin, fetched);
      stored = fetched;
    }
    for (int y = top; y < bottom; ++y) {
      const std::size_t at = area(y - top, columns.length) + static_cast<std::size_t>(left - columns.begin);
      decode_samples(stored.subspan(at * bytes), header_.type, false, {header_.slope, header_.intercept},
                     values.subspan(area(y - window.top, window.width) + static_cast<std::size_t>(left - window.left),
                                    static_cast<std::size_t>(right - left)));
    }
  });
}

}  // namespace n2s
