// NumPy arrays: files that numpy wrote (make_fixtures.py), and headers that it would not write.
#include "data/formats/npy.h"

#include <cstdlib>

#include "data/stack.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

/// A file of version 1 with this header, and `samples` bytes.
std::vector<char> npy(const std::string& header, std::size_t samples = 420) {
  std::string bytes = "\x93NUMPY";
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header + std::string(samples, '\0');
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("arrays by numpy: every type, both byte orders, both memory orders, all versions") {
  for (const SampleType type : all_types()) {
    CAPTURE(sample_type_name(type));
    for (const std::string order : {"", "big_", "fortran_"}) {
      const Image image = read_image(fixture(order + std::string(sample_type_name(type)) + ".npy"));
      CHECK(image.type == type);
      CHECK(describe_axes(image.axes) == "Z=3 Y=5 X=7");
      CHECK(image.values == ramp(105, type));
    }
  }
  CHECK(read_image(fixture("float16.npy")).type == SampleType::float16);
  CHECK(read_image(fixture("float16.npy")).values == ramp(105, SampleType::float16));
  CHECK(read_image(fixture("version2.npy")).values == ramp(105, SampleType::int16));
  CHECK(read_image(fixture("version3.npy")).values == ramp(105, SampleType::int16));
  const Image plane = read_image(fixture("plane_fortran.npy"));
  CHECK(describe_axes(plane.axes) == "Y=5 X=7");
  CHECK(plane.values == ramp(35, SampleType::uint8));
  const Image flags = read_image(fixture("bool.npy"));
  CHECK(flags.type == SampleType::uint8);
  CHECK(flags.values == std::vector<float>{0, 1, 1, 0, 1, 0});
}

TEST_CASE("lengths as Python 2 wrote them") {
  const TemporaryFolder folder;
  write_bytes(folder / "old.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 5L, 7L), }\n"));
  CHECK(describe_axes(read_image(folder / "old.npy").axes) == "Z=3 Y=5 X=7");
}

TEST_CASE("an array that is read and written is the same, in C order") {
  const TemporaryFolder folder;
  for (const std::string name : {"int16.npy", "big_float64.npy", "uint8.npy", "float16.npy"}) {
    CAPTURE(name);
    write_image(folder / name, read_image(fixture(name)));
    CHECK(read_bytes(folder / name) == read_bytes(fixture(name)));
  }
  write_image(folder / "order.npy", read_image(fixture("fortran_int16.npy")));
  CHECK(read_bytes(folder / "order.npy") == read_bytes(fixture("int16.npy")));
}

TEST_CASE("arrays have the image's axes in order; what four dimensions are the user says") {
  const TemporaryFolder folder;
  write_image(folder / "time.npy", ramp_image({{'T', 4, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::int16));
  CHECK(describe_axes(read_image(folder / "time.npy").axes) == "Z=4 Y=5 X=7");
  write_image(folder / "one.npy", ramp_image({{'Z', 1, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::int16));
  CHECK(describe_axes(read_image(folder / "one.npy").axes) == "Z=1 Y=5 X=7");
  write_image(folder / "row.npy", ramp_image({{'Z', 3, 1}, {'Y', 1, 1}, {'X', 7, 1}}, SampleType::int16));
  CHECK(describe_axes(read_image(folder / "row.npy").axes) == "Z=3 Y=1 X=7");
  const Image film = ramp_image({{'T', 2, 1}, {'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::int16);
  write_image(folder / "film.npy", film);
  CHECK(contains(error_of([&] { read_image(folder / "film.npy"); }), "4 dimensions (2, 3, 5, 7) without names"));
  const auto read_as = [&](const std::string& axes) { return read_image(folder / "film.npy", {.axes = axes}); };
  CHECK(describe_axes(read_as("TZYX").axes) == "T=2 Z=3 Y=5 X=7");
  CHECK(read_as("TZYX").values == film.values);
  CHECK(describe_axes(read_as("czyx").axes) == "C=2 Z=3 Y=5 X=7");
  const Image turned = read_as("YXZT");  // X is last in an image
  CHECK(describe_axes(turned.axes) == "Z=5 T=7 Y=2 X=3");
  CHECK(turned.values[1] == film.values[35]);
  for (const char* bad : {"ZYX", "TZYXC", "TTYX", "TZXQ", "TZCY"}) {
    CAPTURE(bad);
    CHECK(contains(error_of([&] { read_as(bad); }), bad));
  }
  CHECK(contains(error_of([&] { read_image(fixture("volumes.mrc"), {.axes = "ZYX"}); }), "leave it out"));
}

TEST_CASE("arrays that are no stack say what they are and what to do") {
  const TemporaryFolder folder;
  const auto error_with = [&](const std::string& header, std::size_t samples = 420) {
    write_bytes(folder / "bad.npy", npy(header, samples));
    return error_of([&] { read_image(folder / "bad.npy"); });
  };
  const auto with_type = [&](const std::string& type) {
    return error_with("{'descr': " + type + ", 'fortran_order': False, 'shape': (3, 5, 7), }\n");
  };
  const auto with_shape = [&](const std::string& shape) {
    return error_with("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n");
  };
  CHECK(contains(with_type("'<c8'"), "complex numbers"));
  CHECK(contains(with_type("'|O'"), "Python objects"));
  CHECK(contains(with_type("'<U7'"), "text"));
  CHECK(contains(with_type("'<f16'"), "convert them to float32"));
  CHECK(contains(with_type("''"), "convert them to float32"));
  CHECK(contains(with_type("[('a', '<f4'), ('b', '<i2')]"), "structured array"));
  CHECK(contains(with_shape("(105,)"), "1 dimensions (105); save one plane"));
  CHECK(contains(with_shape("()"), "0 dimensions"));
  CHECK(contains(with_shape("(2, 3, 5, 7)"), "4 dimensions (2, 3, 5, 7)"));
  CHECK(contains(with_shape("(3, 0, 7)"), "without any values"));
  CHECK(contains(with_shape("(3, 5, 8)"), "420 of 480 bytes"));
  CHECK(contains(with_shape("(4294967296, 4294967296, 4294967296)"), "bad.npy: an image with Z=4294967296"));
  std::string many = "(1";
  for (int i = 0; i < 100; ++i) many += ", 1";
  CHECK(contains(with_shape(many + ")"), "damaged header"));
  CHECK(contains(with_type("'O\nx'"), "damaged header"));  // one line, whatever the file holds
  for (const std::string header : {"{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4'",
                                   "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 5, 7)}",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -5, 7)}",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 5)}",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5, 7), 'x': 1}",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'shape': (5, 7)}",
                                   "{'descr': '<f4', 'descr': '<i2', 'fortran_order': False, 'shape': (3, 5, 7)}",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5, 7)} + 1", "", "exec('x')"})
    CHECK(contains(error_with(header), "damaged header"));
  std::vector<char> version = npy("{}");
  version[6] = 4;
  write_bytes(folder / "version.npy", version);
  CHECK(contains(error_of([&] { read_image(folder / "version.npy"); }), "version 4.0 of the NumPy format"));
}

TEST_CASE("NumPy samples for check_with_python.py") {
  const char* folder = std::getenv("N2S_SAMPLE_FILES");
  if (folder == nullptr) return;
  for (const SampleType type : all_types())
    write_image(std::filesystem::path(folder) / (std::string(sample_type_name(type)) + ".npy"),
                ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, type));
  write_image(std::filesystem::path(folder) / "float16.npy",
              ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::float16));
}
