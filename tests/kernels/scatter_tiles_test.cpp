// Tiles scattered on the CPU against the reference, and the reference against a plane that was cut into tiles by hand.
#include "kernels/scatter_tiles/scatter_tiles.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/kernels/random_image.h"

using namespace n2s;
using namespace n2s::test;

namespace {

constexpr float kUntouched = 77;

}  // namespace

TEST_CASE("the reference puts two overlapping tiles together") {
  const std::vector<float> tiles{1, 2, 3, 0,  //
                                 0, 3, 4, 5};
  const std::vector<KeptTile> kept{{0, 0, 0, 0, 1, 0, 2}, {0, 0, 1, 0, 1, 2, 5}};
  std::vector<float> plane(6, kUntouched);
  scatter_tiles_reference({tiles.data(), {2, 1, 4, 1}}, kept, plane, 1, 6);
  CHECK(plane == std::vector<float>{1, 2, 3, 4, 5, kUntouched});
}

TEST_CASE("the valid parts of tiles are written, and nothing else changes") {
  const Shape shape{3, 10, 36, 1};
  const std::vector<KeptTile> kept{{1, 0, 0, 0, 7, 0, 33}, {0, 4, 5, 6, 13, 9, 40}, {1, 8, 12, 9, 9, 12, 40}};
  const std::vector<float> tiles = random_values(static_cast<std::size_t>(shape.elements()), 4);
  std::vector<float> expected(std::size_t{2} * 13 * 40, kUntouched);
  std::vector<float> planes = expected;
  scatter_tiles_reference({tiles.data(), shape}, kept, expected, 13, 40);
  for (int n = 0; n < shape.batch; ++n)
    scatter_tile({tiles.data(), shape}, n, kept[static_cast<std::size_t>(n)], planes.data(), 13, 40);
  CHECK(planes == expected);
  CHECK(planes[6 * 40 + 9] == tiles[360 + 2 * 36 + 4]);
  CHECK(planes[520 + 7 * 40] == kUntouched);
}
