// What the tests of other programs' files share.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "tests/data/file_helpers.h"

namespace n2s::test {

inline void check_axes(const Image& image, const std::string& expected) {
  CHECK(describe_axes(image.axes) == expected);
}

inline void check_ramp(const std::string& name, SampleType type, const std::string& axes) {
  CAPTURE(name);
  const Image image = read_image(fixture(name));
  CHECK(image.type == type);
  check_axes(image, axes);
  CHECK(image.values == ramp(sample_count(image.axes), type));
}

inline std::vector<double> spacings(const Image& image) {
  std::vector<double> result;
  for (const Axis& axis : image.axes) result.push_back(std::round(axis.spacing * 1e6) / 1e6);
  return result;
}

}  // namespace n2s::test
