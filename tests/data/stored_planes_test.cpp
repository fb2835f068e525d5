// Planes that are stored in the file's sample type: the same values as were written, wherever they are, and through the
// levels the same as a stack in memory has after replace_extremes() and apply_normalisation().
#include "data/stored_planes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "data/levels.h"
#include "data/stack_planes.h"
#include "kernels/base/error.h"
#include "kernels/base/philox.h"

using namespace n2s;

namespace {

constexpr int kPlanes = 5, kHeight = 70, kWidth = 131;  // no multiples of a tile
constexpr std::size_t kPixels = std::size_t{kHeight} * kWidth;

std::uint32_t below(std::uint32_t index, std::uint32_t count) {
  return random_below({9, Purpose::test, 0, 0, 0}, index, count);
}

/// What a reader gives of such a file.
Stack values_of(const Image& header) {
  Stack stack{kPlanes, kHeight, kWidth, {}};
  const bool whole = is_integer(header.type);
  for (std::uint32_t i = 0; i < kPlanes * kPixels; ++i) {
    const bool is_signed = header.type == SampleType::int8 || header.type == SampleType::int16;
    const std::uint32_t range = sample_bytes(header.type) == 1 ? 256 : 65536;
    double stored = below(i, range) - (is_signed ? range / 2.0 : 0);
    if (!whole) stored /= 64;
    if (header.type == SampleType::float16) stored = below(i, 2048) / 64.0;
    stack.voxels.push_back(static_cast<float>(stored * header.slope + header.intercept));
  }
  return stack;
}

std::shared_ptr<StoredPlanes> stored(const Stack& stack, const Image& header, VoxelMemory& memory) {
  auto planes =
      std::make_shared<StoredPlanes>(StoredPlanes::Shape{stack.planes, stack.height, stack.width}, header, memory);
  for (int plane = stack.planes; plane-- > 0;) planes->write(plane, plane_of(stack, plane));
  return planes;
}

std::filesystem::path folder() {
  return std::filesystem::temp_directory_path();
}

/// A window anywhere in the plane, of any size.
PlaneWindow drawn_window(std::uint32_t index) {
  PlaneWindow window;
  window.height = 1 + static_cast<int>(below(4 * index, kHeight));
  window.width = 1 + static_cast<int>(below(4 * index + 1, kWidth));
  window.top = static_cast<int>(below(4 * index + 2, static_cast<std::uint32_t>(kHeight - window.height + 1)));
  window.left = static_cast<int>(below(4 * index + 3, static_cast<std::uint32_t>(kWidth - window.width + 1)));
  return window;
}

/// The first difference between the window and the stack; empty: none.
bool same(const StackPlanes& planes, const Stack& stack, int plane, const PlaneWindow& window) {
  std::vector<float> values(static_cast<std::size_t>(window.height) * static_cast<std::size_t>(window.width));
  planes.read(plane, window, values);
  for (int y = 0; y < window.height; ++y)
    for (int x = 0; x < window.width; ++x) {
      const auto at = static_cast<std::size_t>(window.top + y) * kWidth + static_cast<std::size_t>(window.left + x);
      const auto here =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(window.width) + static_cast<std::size_t>(x);
      if (values[here] != plane_of(stack, plane)[at]) return false;
    }
  return true;
}

}  // namespace

TEST_CASE("every sample type comes back as it was, from memory and from disk, in any window") {
  for (const SampleType type : {SampleType::uint8, SampleType::int8, SampleType::uint16, SampleType::int16,
                                SampleType::int32, SampleType::float16, SampleType::float32, SampleType::float64})
    for (const auto& [slope, intercept] : {std::pair{1.0, 0.0}, {0.0037, -12.5}, {3.0, 1e6}, {1.7e-9, 0.25}}) {
      Image header;
      header.type = type;
      header.slope = slope;
      header.intercept = intercept;
      const Stack stack = values_of(header);
      const std::size_t two_planes = 2 * kPixels * std::min<std::size_t>(4, sample_bytes(type));
      for (const std::size_t free : {std::size_t{0}, two_planes, std::size_t{1} << 30}) {
        VoxelMemory memory{free, folder()};
        const StackPlanes planes(stored(stack, header, memory));
        CHECK(memory.free <= free);
        CHECK((memory.on_disk == 0) == (free > two_planes));
        CAPTURE(sample_type_name(type));
        CAPTURE(header.slope);
        for (std::uint32_t i = 0; i < 40; ++i)
          CHECK(same(planes, stack, static_cast<int>(below(i, kPlanes)), drawn_window(i)));
        CHECK(same(planes, stack, kPlanes - 1, {0, 0, kHeight, kWidth}));
      }
    }
}

TEST_CASE("stored integers take their own size, and larger types four bytes") {
  for (const auto& [type, bytes] : {std::pair{SampleType::uint8, 1},
                                    {SampleType::uint16, 2},
                                    {SampleType::float16, 2},
                                    {SampleType::int32, 4},
                                    {SampleType::float64, 4}}) {
    Image header;
    header.type = type;
    VoxelMemory memory{std::size_t{1} << 30, folder()};
    const StoredPlanes planes({kPlanes, kHeight, kWidth}, header, memory);
    CHECK((std::size_t{1} << 30) - memory.free == kPlanes * kPixels * static_cast<std::size_t>(bytes));
  }
}

TEST_CASE("stacks share the memory; what does not fit shares one file, of which nothing is left") {
  Image header;
  header.type = SampleType::uint8;
  const Stack stack = values_of(header);
  const std::filesystem::path own = folder() / "stored-planes-test";
  std::filesystem::create_directories(own);
  {
    VoxelMemory memory{7 * kPixels, own};
    const StackPlanes first(stored(stack, header, memory)), second(stored(stack, header, memory)),
        third(stored(stack, header, memory));
    CHECK(memory.free == 0);
    CHECK(memory.on_disk == 8 * kPixels);
    for (int plane = 0; plane < kPlanes; ++plane) {
      CHECK(same(second, stack, plane, {0, 0, kHeight, kWidth}));
      CHECK(same(third, stack, plane, {0, 0, kHeight, kWidth}));
    }
    CHECK(std::filesystem::is_empty(own));
  }
  std::filesystem::remove_all(own);
  VoxelMemory gone{0, own};
  CHECK_THROWS_AS(StoredPlanes({kPlanes, kHeight, kWidth}, header, gone), Error);
}

/// Processes that are objects here: what each holds, and how often each completed.
class Together final : public DistributedMemory {
 public:
  struct Parts {
    std::vector<std::vector<std::byte>> of_rank;
    int completed = 0;
  };
  Together(std::shared_ptr<Parts> parts, int rank, std::size_t bytes) : parts_(std::move(parts)), rank_(rank) {
    parts_->of_rank[static_cast<std::size_t>(rank)].resize(bytes);
  }
  int rank() const override { return rank_; }
  int count() const override { return static_cast<int>(parts_->of_rank.size()); }
  std::span<std::byte> own() override { return parts_->of_rank[static_cast<std::size_t>(rank_)]; }
  void complete() override { ++parts_->completed; }
  void read(int rank, std::size_t offset, std::span<std::byte> bytes) const override {
    REQUIRE(parts_->completed == count());
    const std::vector<std::byte>& from = parts_->of_rank[static_cast<std::size_t>(rank)];
    REQUIRE(offset + bytes.size() <= from.size());
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
  }

 private:
  std::shared_ptr<Parts> parts_;
  int rank_;
};

TEST_CASE("several processes each hold a part of the planes, and read all") {
  Image header;
  header.type = SampleType::uint16;
  const Stack stack = values_of(header);
  const std::size_t plane = 2 * kPixels;
  for (const std::size_t free : {plane, 4 * plane}) {  // of each: three planes in memory, or all five
    const auto parts = std::make_shared<Together::Parts>();
    parts->of_rank.resize(3);
    std::vector<std::shared_ptr<StoredPlanes>> of_rank;
    for (int rank = 0; rank < 3; ++rank) {
      VoxelMemory memory{free, folder()};
      memory.processes = 3;
      memory.distribute = [&](std::size_t bytes) { return std::make_shared<Together>(parts, rank, bytes); };
      of_rank.push_back(stored(stack, header, memory));
      of_rank.back()->complete();
      CHECK(memory.on_disk == (free == plane ? 2 * plane : 0));
      CHECK(memory.free == (free == plane ? 0 : 2 * plane));
    }
    for (const auto& planes : of_rank)
      for (std::uint32_t i = 0; i < 40; ++i)
        CHECK(same(StackPlanes(planes), stack, static_cast<int>(below(i, kPlanes)), drawn_window(i)));
  }
}

TEST_CASE("values that the sample type has not are refused, not rounded") {
  Image header;
  header.type = SampleType::uint8;
  VoxelMemory memory{std::size_t{1} << 20, folder()};
  StoredPlanes planes({1, 16, 16}, header, memory);
  std::vector<float> values(256, 7);
  values[100] = 7.5F;
  CHECK_THROWS_AS(planes.write(0, values), Error);
}

TEST_CASE("levels do to a window what they do to a stack in memory") {
  Stack noisy{kPlanes, kHeight, kWidth, {}};
  for (std::uint32_t i = 0; i < kPlanes * kPixels; ++i) noisy.voxels.push_back(static_cast<float>(100 + below(i, 100)));
  noisy.voxels[5] = std::numeric_limits<float>::quiet_NaN();
  noisy.voxels[2 * kPixels + 77] = -std::numeric_limits<float>::infinity();
  noisy.voxels[kPixels + std::size_t{40} * kWidth + 3] = 60000;        // hot
  noisy.voxels[4 * kPixels + std::size_t{69} * kWidth + 130] = 60000;  // hot, in the corner
  for (std::size_t y = 20; y < 30; ++y)                                // saturated
    for (std::size_t x = 60; x < 70; ++x) noisy.voxels[3 * kPixels + y * kWidth + x] = 5000;
  const StreamLevels levels{{150, 80}, {"percentile", 0.01, -1, -0.2, 1.3}};

  VoxelMemory memory{3 * kPixels * sizeof(float), folder()};
  const std::shared_ptr<StoredPlanes> planes = stored(noisy, Image{}, memory);
  Stack expected = noisy;
  const ExtremeValues replaced = replace_extremes(expected, levels);
  CHECK(replaced.isolated == 2);
  CHECK(replaced.limited == 100);
  CHECK(replaced.not_finite == 2);
  const VoxelLimits limits = limits_of(levels.normalisation);
  const StackPlanes seen(planes, {150, replaced.medians, limits.low, limits.high, levels.normalisation});
  apply_normalisation(levels.normalisation, expected.voxels);
  for (int plane = 0; plane < kPlanes; ++plane) {
    CHECK(same(seen, expected, plane, {0, 0, kHeight, kWidth}));
    for (std::uint32_t i = 0; i < 100; ++i) CHECK(same(seen, expected, plane, drawn_window(i)));
    CHECK(same(seen, expected, plane, {40, 3, 1, 1}));
    CHECK(same(seen, expected, plane, {69, 130, 1, 1}));
  }
}
