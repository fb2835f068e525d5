// Which planes the network sees: the paper's cases by hand, and what must hold for every stack.
#include "data/plane_selection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "kernels/base/error.h"

using namespace n2s;
using Planes = std::vector<int>;

TEST_CASE("inside the stack: ascending, with the target for odd counts, without it for even ones") {
  CHECK(neighbour_planes(10, 5, 1) == Planes{5});
  CHECK(neighbour_planes(10, 5, 2) == Planes{4, 6});
  CHECK(neighbour_planes(10, 5, 3) == Planes{4, 5, 6});
  CHECK(neighbour_planes(10, 5, 4) == Planes{3, 4, 6, 7});
  CHECK(neighbour_planes(10, 5, 7) == Planes{2, 3, 4, 5, 6, 7, 8});
  CHECK(neighbour_planes(10, 5, 2, 1) == Planes{3, 7});
  CHECK(neighbour_planes(10, 5, 5, 2) == Planes{1, 2, 5, 8, 9});
}

TEST_CASE("at the edges: the plane at the mirrored offset") {
  CHECK(neighbour_planes(10, 0, 2) == Planes{1, 1});
  CHECK(neighbour_planes(10, 9, 2) == Planes{8, 8});
  CHECK(neighbour_planes(10, 0, 4) == Planes{2, 1, 1, 2});
  CHECK(neighbour_planes(10, 1, 4) == Planes{3, 0, 2, 3});
  CHECK(neighbour_planes(10, 8, 5) == Planes{6, 7, 8, 9, 6});
  CHECK(neighbour_planes(10, 0, 3, 2) == Planes{3, 0, 3});
}

TEST_CASE(
    "short stacks: the nearest plane that exists, on the own side if there are two, outside the gap if it can be") {
  CHECK(neighbour_planes(2, 0, 6) == Planes{1, 1, 1, 1, 1, 1});
  CHECK(neighbour_planes(3, 1, 4) == Planes{0, 0, 2, 2});
  CHECK(neighbour_planes(3, 0, 6) == Planes{1, 2, 1, 1, 2, 1});
  CHECK(neighbour_planes(4, 1, 6) == Planes{0, 3, 0, 2, 3, 2});
  CHECK(neighbour_planes(6, 2, 4, 2) == Planes{5, 5, 5, 5});
  CHECK(neighbour_planes(4, 1, 2, 3) == Planes{3, 3});
}

TEST_CASE("in every stack: the right number of existing planes, the target exactly when the count is odd") {
  for (int depth = 2; depth <= 12; ++depth)
    for (int plane = 0; plane < depth; ++plane)
      for (int count = 1; count <= 9; ++count)
        for (int gap = 0; gap <= 3; ++gap) {
          CAPTURE(depth);
          CAPTURE(plane);
          CAPTURE(count);
          CAPTURE(gap);
          const Planes planes = neighbour_planes(depth, plane, count, gap);
          REQUIRE(planes.size() == static_cast<std::size_t>(count));
          for (const int p : planes) CHECK((p >= 0 && p < depth));
          CHECK(std::count(planes.begin(), planes.end(), plane) == count % 2);
          if (count % 2 == 1) CHECK(planes[static_cast<std::size_t>(count / 2)] == plane);
          const bool beyond_gap = std::max(plane, depth - 1 - plane) > gap;
          for (const int p : planes)
            if (beyond_gap && p != plane) CHECK(std::abs(p - plane) > gap);
        }
}

TEST_CASE("a stack of one plane has neighbours for nobody") {
  CHECK(neighbour_planes(1, 0, 1) == Planes{0});
  for (const int count : {2, 3, 4}) {
    std::string message;
    try {
      neighbour_planes(1, 0, count);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(message.find("a stack of 1 plane has no neighbours") == 0);
  }
}

TEST_CASE("what is out of range is an error") {
  CHECK_THROWS_AS(neighbour_planes(5, 5, 2), Error);
  CHECK_THROWS_AS(neighbour_planes(5, -1, 2), Error);
  CHECK_THROWS_AS(neighbour_planes(5, 0, 0), Error);
  CHECK_THROWS_AS(neighbour_planes(5, 0, 2, -1), Error);
  CHECK_THROWS_AS(neighbour_planes(0, 0, 2), Error);
  CHECK_THROWS_AS(neighbour_planes(5, 0, 2147483647, 2147483647), Error);
}
