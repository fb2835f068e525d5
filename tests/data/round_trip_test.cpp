// What is written is read back: every sample type, axis and format.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "data/atomic_file.h"
#include "data/formats/formats.h"
#include "data/formats/hdf5.h"
#include "data/formats/png.h"
#include "data/image_writer.h"
#include "data/stack.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

void check_spacing(const std::vector<Axis>& axes, const std::vector<Axis>& expected) {
  REQUIRE(axes.size() == expected.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    CHECK(axes[i].name == expected[i].name);
    CHECK(axes[i].length == expected[i].length);
    CHECK(axes[i].spacing == doctest::Approx(expected[i].spacing).epsilon(1e-6));
  }
}

Image round_trip(const TemporaryFolder& folder, const std::string& name, const Image& image,
                 WriteOptions options = {}) {
  options.overwrite = true;
  write_image(folder / name, image, options);
  return read_image(folder / name);
}

}  // namespace

TEST_CASE("every sample type survives every format") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.nii", "a.nii.gz", "a.tif", "a.h5"})
    for (const SampleType type : all_types()) {
      CAPTURE(name);
      CAPTURE(sample_type_name(type));
      Image image = ramp_image({{'Z', 3, 0.75}, {'Y', 5, 0.5}, {'X', 7, 0.25}}, type);
      image.unit = "micron";
      const Image back = round_trip(folder, name, image);
      CHECK(back.type == type);
      CHECK(back.values == image.values);
      CHECK(back.unit == "micron");
      check_spacing(back.axes, image.axes);
    }
  CHECK(folder.files() == 4);
}

TEST_CASE("BigTIFF") {
  const TemporaryFolder folder;
  Image image = ramp_image({{'Z', 3, 2}, {'Y', 5, 0.5}, {'X', 7, 1e3}}, SampleType::uint16);
  image.unit = "nm";
  WriteOptions options;
  options.big_tiff = true;
  const Image back = round_trip(folder, "big.tif", image, options);
  CHECK(read_bytes(folder / "big.tif")[2] == 43);
  CHECK(back.values == image.values);
  CHECK(back.unit == "nm");
  check_spacing(back.axes, image.axes);
}

TEST_CASE("five axes in every order") {
  const TemporaryFolder folder;
  const std::vector<Axis> axes = {{'T', 4, 2.5}, {'Z', 3, 0.75}, {'C', 2, 1}, {'Y', 5, 0.5}, {'X', 7, 0.25}};
  const Image image = ramp_image(axes, SampleType::int16);
  CHECK(round_trip(folder, "a.tif", image).values == image.values);
  check_spacing(round_trip(folder, "a.tif", image).axes, axes);
  for (const std::string name : {"a.nii.gz", "a.h5"}) {
    CAPTURE(name);
    Image storage;
    const Image back = round_trip(folder, name, image);
    const Image& same_order = arranged(back, "TZCYX", storage);
    CHECK(same_order.values == image.values);
    if (name != "a.h5") check_spacing(same_order.axes, axes);
  }
}

TEST_CASE("planes without a third axis") {
  const TemporaryFolder folder;
  for (const std::string name : {"a.nii", "a.tif", "a.png", "a.h5"})
    for (const SampleType type : {SampleType::uint8, SampleType::uint16}) {
      CAPTURE(name);
      const Image image = ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, type);
      const Image back = round_trip(folder, name, image);
      CHECK(back.axes == image.axes);
      CHECK(back.values == image.values);
      CHECK(back.type == type);
    }
}

TEST_CASE("colour PNG") {
  const TemporaryFolder folder;
  Image image = ramp_image({{'C', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint16);
  image.colour = true;
  const Image back = round_trip(folder, "a.png", image);
  CHECK(back.axes == image.axes);
  CHECK(back.values == image.values);
  CHECK(back.colour);
  std::vector<std::uint8_t> picture(105);
  for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(i);
  write_file_atomically(folder / "panel.png", encode_png_rgb(7, 5, picture));
  const Image panel = read_image(folder / "panel.png");
  REQUIRE(panel.axes == image.axes);
  CHECK(panel.values[1] == 3);
  CHECK(panel.values[35] == 1);
  CHECK(contains(error_of([&] { encode_png_rgb(7, 6, picture); }), "no picture of 7x6"));
  CHECK(contains(error_of([&] { encode_png_rgb(0, 6, picture); }), "no picture"));
}

TEST_CASE("what a format cannot hold is refused before anything is written") {
  const TemporaryFolder folder;
  const Image volume = ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  CHECK(contains(error_of([&] { write_image(folder / "a.png", volume); }),
                 "PNG cannot hold Z=3 Y=5 X=7; write .tif, .nii.gz or .h5"));
  const Image floats = ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::float32);
  CHECK(contains(error_of([&] { write_image(folder / "a.png", floats); }),
                 "PNG cannot hold samples of type float32; write .tif"));
  CHECK(contains(error_of([&] { write_image(folder / "a.xyz", floats); }), "cannot tell the format"));
  Image wrong = floats;
  wrong.values.pop_back();
  CHECK(contains(error_of([&] { write_image(folder / "a.tif", wrong); }), "34 values do not fill"));
  CHECK(folder.files() == 0);
}

TEST_CASE("integers are rounded, clamped, and NaN is 0") {
  const TemporaryFolder folder;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {-1, 0.4F, 0.5F, 254.5F, 255.4F, 1e30F, -kInfinity, kInfinity, std::nanf("")};
  for (const std::string name : {"a.nii", "a.tif", "a.h5", "a.png"}) {
    CAPTURE(name);
    Image image;
    image.axes = {{'Y', 1, 1}, {'X', values.size(), 1}};
    image.values = values;
    image.type = SampleType::uint8;
    CHECK(round_trip(folder, name, image).values == std::vector<float>{0, 0, 1, 255, 255, 255, 0, 255, 0});
  }
  Image image;
  image.axes = {{'Y', 1, 1}, {'X', 4, 1}};
  image.values = {1e30F, -1e30F, -3.5F, 7};
  image.type = SampleType::int64;
  const float limit = 9223372036854775808.0F;
  CHECK(round_trip(folder, "a.nii", image).values == std::vector<float>{limit, -limit, -4, 7});
}

TEST_CASE("integers with a slope keep their values in every format") {
  const TemporaryFolder folder;
  for (const Format& format : formats()) {
    const std::string name = "a" + std::string(format.extensions.front());
    CAPTURE(name);
    Image image = ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint16);
    image.slope = 0.001;
    image.intercept = -0.0125;  // some are below 0
    for (float& value : image.values) value = static_cast<float>(value * image.slope + image.intercept);
    if (!format.types.empty() && !std::count(format.types.begin(), format.types.end(), SampleType::float32)) {
      CHECK(contains(error_of([&] { write_image(folder / name, image); }), "cannot hold samples of type float32"));
      continue;
    }
    const Image back = round_trip(folder, name, image);
    CHECK(back.type == (format.scaling ? SampleType::uint16 : SampleType::float32));
    CHECK(written_type(name, image) == back.type);
    REQUIRE(back.values.size() == image.values.size());
    for (std::size_t i = 0; i < image.values.size(); ++i)
      CHECK(back.values[i] == doctest::Approx(image.values[i]).epsilon(1e-6));
    WriteOptions as_integers;  // whoever asks for a type gets it
    as_integers.type = SampleType::uint16;
    CHECK(round_trip(folder, name, image, as_integers).values == std::vector<float>(image.values.size(), 0));
  }
}

TEST_CASE("floats keep NaN, infinities and every bit") {
  const TemporaryFolder folder;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::string name : {"a.nii.gz", "a.tif", "a.h5"})
    for (const SampleType type : {SampleType::float32, SampleType::float64}) {
      CAPTURE(name);
      Image image;
      image.axes = {{'Y', 1, 1}, {'X', 6, 1}};
      image.values = {0.1F, 1e-42F, -kInfinity, kInfinity, std::numeric_limits<float>::max(), std::nanf("")};
      image.type = type;
      const Image back = round_trip(folder, name, image);
      for (std::size_t i = 0; i < 5; ++i) CHECK(back.values[i] == image.values[i]);
      CHECK(std::isnan(back.values[5]));
    }
}

TEST_CASE("a type of choice") {
  const TemporaryFolder folder;
  const Image image = ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint8);
  WriteOptions options;
  options.type = SampleType::float32;
  for (const std::string name : {"a.nii", "a.tif", "a.h5"}) {
    const Image back = round_trip(folder, name, image, options);
    CHECK(back.type == SampleType::float32);
    CHECK(back.values == image.values);
  }
}

TEST_CASE("HDF5 paths and listing") {
  const TemporaryFolder folder;
  const Image image = ramp_image({{'Z', 3, 1}, {'Y', 600, 1}, {'X', 7, 1}}, SampleType::float32);
  WriteOptions options;
  options.dataset = "volumes/raw";
  write_image(folder / "a.h5", image, options);
  const auto list = list_hdf5(folder / "a.h5");
  REQUIRE(list.size() == 1);
  CHECK(list[0].path == "/volumes/raw");
  CHECK(list[0].shape == std::vector<std::size_t>{3, 600, 7});
  CHECK(list[0].type == SampleType::float32);
  for (const std::string path : {"volumes/raw", "/volumes/raw", ""})
    CHECK(read_image(folder / "a.h5", {path}).values == image.values);
  CHECK(contains(error_of([&] { read_image(folder / "a.h5", {"raw"}); }),
                 "no dataset '/raw' of numbers; there are: /volumes/raw (3x600x7 float32)"));
}

TEST_CASE("samples for check_with_python.py") {
  const char* folder = std::getenv("N2S_SAMPLE_FILES");
  if (folder == nullptr) {
    MESSAGE("skipped: check_with_python.py sets N2S_SAMPLE_FILES and reads what is written there");
    return;
  }
  const std::filesystem::path path = folder;
  for (const SampleType type : all_types())
    for (const std::string extension : {".nii", ".nii.gz", ".tif", ".h5"}) {
      Image image = ramp_image({{'Z', 3, 0.75}, {'Y', 5, 0.5}, {'X', 7, 0.25}}, type);
      image.unit = "micron";
      write_image(path / (std::string(sample_type_name(type)) + extension), image);
    }
  Image hyperstack =
      ramp_image({{'T', 4, 2.5}, {'Z', 3, 0.75}, {'C', 2, 1}, {'Y', 5, 0.5}, {'X', 7, 0.25}}, SampleType::uint16);
  hyperstack.unit = "micron";
  write_image(path / "hyperstack.tif", hyperstack);
  WriteOptions options;
  options.big_tiff = true;
  write_image(path / "big.tif", hyperstack, options);
  write_image(path / "hyperstack.h5", hyperstack);
  write_image(path / "large.nii", ramp_image({{'Z', 1, 1}, {'Y', 2, 1}, {'X', 40000, 1}}, SampleType::uint8));
  for (const std::string name : {"big_int16.nii", "second_big_float32.nii", "slope_uint8.nii", "extension.nii.gz"})
    write_image(path / ("copy_" + name), read_image(fixture(name)));
  const Image film = read_image(fixture("time_int16.nii.gz"));
  write_image(path / "one_time.nii.gz", put_stack(film, select_stack(film), take_stack(film, select_stack(film))));
  write_image(path / "grey16.png", ramp_image({{'Y', 5, 1}, {'X', 7, 1}}, SampleType::uint16));
  std::vector<std::uint8_t> picture(105);
  for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(i);
  write_file_atomically(path / "panel.png", encode_png_rgb(7, 5, picture));
}

TEST_CASE("planes that are written one by one make the same file as the whole image") {
  const TemporaryFolder folder;
  const std::vector<Axis> axes = {{'T', 4, 1}, {'Z', 3, 1}, {'C', 2, 1}, {'Y', 5, 1}, {'X', 7, 1}};
  for (const std::string extension : {".tif", ".nii", ".nii.gz", ".h5", ".mrc", ".npy"}) {
    CAPTURE(extension);
    const bool no_channels = extension == ".mrc";
    const Image image =
        ramp_image(no_channels ? std::vector<Axis>{axes[0], axes[1], axes[3], axes[4]} : axes, SampleType::int16);
    write_image(folder / ("whole" + extension), image);
    Image header = image;
    header.values.clear();
    const std::unique_ptr<ImageWriter> writer = create_image(folder / ("planes" + extension), header);
    const std::size_t planes = image.values.size() / 35;
    const auto plane = [&](std::size_t i) { return std::span(image.values).subspan(i * 35, 35); };
    if (writer->in_order_only()) {
      CHECK_THROWS_AS(writer->write(1, plane(1)), Error);
      continue;
    }
    for (std::size_t i = planes; i-- > 1;) writer->write(i, plane(i));
    CHECK_FALSE(std::filesystem::exists(folder / ("planes" + extension)));
    writer->write(0, plane(0));
    writer->commit();
    const ReadOptions names{.axes = extension == ".npy" ? "TZCYX" : ""};
    CHECK(read_image(folder / ("planes" + extension), names).values ==
          read_image(folder / ("whole" + extension), names).values);
    if (extension != ".h5" && extension != ".mrc")  // MRC's statistics depend on the order of summation
      CHECK(read_bytes(folder / ("planes" + extension)) == read_bytes(folder / ("whole" + extension)));
  }
  CHECK(folder.files() == 11);  // no temporary file is left
}
