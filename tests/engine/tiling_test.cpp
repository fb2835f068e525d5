// Tiles cover a plane exactly once, keep their distance from inner edges, and pool where the whole plane would.
#include "engine/inference/tiling.h"

#include <doctest/doctest.h>

#include <vector>

#include "kernels/base/error.h"

using namespace n2s;

namespace {

/// Checks one cut; returns the number of tiles.
std::size_t check_tiles(int length, int size, const TileRule& rule) {
  CAPTURE(length);
  CAPTURE(size);
  const std::vector<TileSpan> tiles = tile_axis(length, size, rule);
  std::vector<int> kept(static_cast<std::size_t>(length), 0);
  bool sound = true;
  for (const TileSpan& tile : tiles) {
    const int end = size < length ? tile.begin + size : length;
    sound = sound && tile.begin >= 0 && end <= length && tile.begin % rule.divisor == 0;
    sound = sound && tile.keep_begin < tile.keep_end && tile.keep_begin >= tile.begin && tile.keep_end <= end;
    // At the plane's own edges nothing is missing; everywhere else the net must see its whole radius.
    if (tile.begin > 0) sound = sound && tile.keep_begin - tile.begin >= rule.radius;
    if (end < length) sound = sound && end - tile.keep_end >= rule.radius;
    for (int pixel = tile.keep_begin; sound && pixel < tile.keep_end; ++pixel) ++kept[static_cast<std::size_t>(pixel)];
  }
  for (const int count : kept) sound = sound && count == 1;
  CHECK(sound);
  return tiles.size();
}

}  // namespace

TEST_CASE("padded lengths are the next multiple") {
  CHECK(padded_length(1, 32) == 32);
  CHECK(padded_length(32, 32) == 32);
  CHECK(padded_length(33, 32) == 64);
  CHECK(padded_length(101, 4) == 104);
  CHECK(padded_length(7, 1) == 7);
}

TEST_CASE("every pixel is kept once, far enough from inner edges, whatever the sizes") {
  const TileRule microscopy{4, 24};
  for (int length = 4; length <= 400; length += 4)
    for (int size = 52; size <= 160; size += 4) check_tiles(length, size, microscopy);
  const TileRule mri{32, 158};
  for (int length = 32; length <= 2048; length += 96)
    for (int size = 352; size <= 768; size += 32) check_tiles(length, size, mri);
  for (int length = 1; length <= 60; ++length)  // odd sizes for a net without pooling
    for (int size = 7; size <= 20; ++size) check_tiles(length, size, {1, 3});
}

TEST_CASE("a plane that fits is one tile, and it is not cut into more tiles than it needs") {
  CHECK(check_tiles(256, 256, {32, 158}) == 1);
  CHECK(check_tiles(64, 1024, {32, 158}) == 1);
  CHECK(check_tiles(736, 384, {32, 158}) == 7);  // 224 kept at both ends, 64 in each of the five between
  CHECK(check_tiles(140, 64, {4, 24}) == 6);
  CHECK(check_tiles(1024, 704, {32, 158}) == 2);
}

TEST_CASE("a tile too small to keep anything is an error that says what is needed") {
  for (const int size : {4, 24, 48}) CHECK_THROWS_AS(tile_axis(400, size, {4, 24}), Error);
  CHECK_NOTHROW(tile_axis(400, 52, {4, 24}));
  CHECK_THROWS_AS(tile_axis(2048, 320, {32, 158}), Error);
  CHECK_THROWS_WITH(tile_axis(2048, 320, {32, 158}), doctest::Contains("352"));
  CHECK_NOTHROW(tile_axis(2048, 352, {32, 158}));
}
