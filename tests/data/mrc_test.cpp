// MRC: files that mrcfile wrote (make_fixtures.py), and headers as other programs leave them.
#include "data/formats/mrc.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "data/stack.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

constexpr std::size_t kHeader = 1024;

/// A header's word, counted from 1 as in the specification, in this machine's byte order.
template <class T>
void set_word(std::vector<char>& bytes, std::size_t word, T value) {
  std::memcpy(bytes.data() + 4 * (word - 1), &value, 4);
}
template <class T>
T word_of(const std::vector<char>& bytes, std::size_t word) {
  T value{};
  std::memcpy(&value, bytes.data() + 4 * (word - 1), 4);
  return value;
}

void swap_words(std::vector<char>& bytes) {
  for (std::size_t word = 1; word <= 56; ++word)
    if (word != 53 && word != 54)  // the map's name and the machine stamp are bytes
      std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(4 * (word - 1)),
                   bytes.begin() + static_cast<std::ptrdiff_t>(4 * word));
}

std::string error_with(const std::filesystem::path& path, const std::vector<char>& bytes) {
  write_bytes(path, bytes);
  return error_of([&] { read_image(path); });
}

}  // namespace

TEST_CASE("MRC by mrcfile: modes and byte orders") {
  const std::vector<std::pair<std::string, SampleType>> files{
      {"mode0.mrc", SampleType::int8},    {"mode1.mrc", SampleType::int16},       {"mode1_big.mrc", SampleType::int16},
      {"mode2.map", SampleType::float32}, {"mode2_big.mrc", SampleType::float32}, {"mode6.st", SampleType::uint16},
      {"mode12.rec", SampleType::float16}};
  for (const auto& file : files) {
    const std::string& name = file.first;
    const SampleType type = file.second;
    CAPTURE(name);
    const Image image = read_image(fixture(name));
    CHECK(image.type == type);
    CHECK(describe_axes(image.axes) == "Z=3 Y=5 X=7");
    CHECK(image.values == ramp(105, type));
    CHECK(image.unit == "nm");
    CHECK(image.axes[0].spacing == doctest::Approx(1.5));
    CHECK(image.axes[2].spacing == doctest::Approx(0.5));
    CHECK_FALSE(image.medical);
  }
  const Image film = read_image(fixture("volumes.mrc"));
  CHECK(describe_axes(film.axes) == "T=4 Z=3 Y=5 X=7");
  CHECK(film.values == ramp(420, SampleType::int16));
}

TEST_CASE("an MRC file that is read and written keeps its header, extended header and byte order") {
  const TemporaryFolder folder;
  for (const std::string name : {"extended.mrc", "mode1_big.mrc", "volumes.mrc", "mode12.rec", "image_stack.mrc"}) {
    CAPTURE(name);
    write_image(folder / name, read_image(fixture(name)));
    std::vector<char> found = read_bytes(folder / name);
    std::vector<char> expected = read_bytes(fixture(name));
    // mrcfile computes the standard deviation in single precision.
    for (std::vector<char>* bytes : {&found, &expected}) set_word(*bytes, 55, 0);
    CHECK(found == expected);
  }
}

TEST_CASE("an MRC file of one volume out of many has its own sizes, and the cell's spacing") {
  const TemporaryFolder folder;
  const Image film = read_image(fixture("volumes.mrc"));
  const StackSelection selection = select_stack(film);
  write_image(folder / "one.mrc", put_stack(film, selection, take_stack(film, selection)));
  const Image one = read_image(folder / "one.mrc");
  CHECK(describe_axes(one.axes) == "Z=3 Y=5 X=7");
  CHECK(one.axes[0].spacing == film.axes[1].spacing);
  CHECK(word_of<int>(read_bytes(folder / "one.mrc"), 23) == 1);  // space group: a volume
}

TEST_CASE("MRC: types that the format lacks, and spacing in other units") {
  const TemporaryFolder folder;
  const auto type_after = [&](SampleType type) {
    const Image image = ramp_image({{'Z', 2, 1}, {'Y', 4, 1}, {'X', 6, 1}}, type);
    WriteOptions options;
    options.overwrite = true;
    write_image(folder / "a.mrc", image, options);
    CHECK(read_image(folder / "a.mrc").values == image.values);
    return read_image(folder / "a.mrc").type;
  };
  CHECK(type_after(SampleType::uint8) == SampleType::uint16);
  CHECK(type_after(SampleType::int32) == SampleType::float32);
  CHECK(type_after(SampleType::float64) == SampleType::float32);
  Image image = ramp_image({{'Z', 2, 0.75}, {'Y', 4, 0.5}, {'X', 6, 0.25}}, SampleType::float32);
  image.unit = "micron";
  write_image(folder / "micron.mrc", image);
  CHECK(word_of<float>(read_bytes(folder / "micron.mrc"), 11) == doctest::Approx(6 * 2500));  // angstrom
  CHECK(read_image(folder / "micron.mrc").axes[0].spacing == doctest::Approx(750));
  image.unit = "";
  write_image(folder / "unknown.mrc", image);
  CHECK(read_image(folder / "unknown.mrc").unit.empty());
  image.values[3] = std::numeric_limits<float>::quiet_NaN();
  write_image(folder / "nan.mrc", image);
  CHECK(word_of<float>(read_bytes(folder / "nan.mrc"), 21) < word_of<float>(read_bytes(folder / "nan.mrc"), 20));
  image.axes[0].name = 'C';
  CHECK(contains(error_of([&] { write_image(folder / "c.mrc", image); }), "MRC cannot hold C="));
}

TEST_CASE("MRC bytes are unsigned where IMOD says so, and stay unsigned") {
  const TemporaryFolder folder;
  std::vector<char> bytes = read_bytes(fixture("mode0.mrc"));
  set_word(bytes, 39, 1146047817);
  for (const int flags : {0, 1}) {
    set_word(bytes, 40, flags);
    write_bytes(folder / "imod.mrc", bytes);
    const Image image = read_image(folder / "imod.mrc");
    CHECK(image.type == (flags == 0 ? SampleType::uint8 : SampleType::int8));
    CHECK(*std::min_element(image.values.begin(), image.values.end()) == (flags == 0 ? 0 : -50));
    WriteOptions options;
    options.overwrite = true;
    write_image(folder / "again.mrc", image, options);
    CHECK(read_image(folder / "again.mrc").values == image.values);
    CHECK(read_image(folder / "again.mrc").type == image.type);
  }
}

TEST_CASE("MRC headers as other programs leave them") {
  const TemporaryFolder folder;
  const std::vector<char> good = read_bytes(fixture("mode1.mrc"));
  const auto values_with = [&](const std::vector<char>& bytes) {
    write_bytes(folder / "file.mrc", bytes);
    return read_image(folder / "file.mrc").values;
  };
  std::vector<char> bytes = good;
  set_word(bytes, 54, 0);  // no machine stamp
  CHECK(values_with(bytes) == ramp(105, SampleType::int16));
  set_word(bytes, 54, 0x00001111);  // the wrong one
  CHECK(values_with(bytes) == ramp(105, SampleType::int16));
  set_word(bytes, 53, 0);  // and no MAP: an old file
  CHECK(values_with(bytes) == ramp(105, SampleType::int16));
  for (const std::size_t word : {17U, 18U, 19U}) set_word(bytes, word, 0);  // no order of axes
  CHECK(values_with(bytes) == ramp(105, SampleType::int16));
  std::vector<char> swapped = read_bytes(fixture("mode0.mrc"));
  swap_words(swapped);
  set_word(swapped, 54, 0);
  CHECK(values_with(swapped) == ramp(105, SampleType::int8));
  bytes = good;
  for (const std::size_t word : {8U, 9U, 10U, 11U, 12U, 13U}) set_word(bytes, word, 0);
  write_bytes(folder / "file.mrc", bytes);
  CHECK(read_image(folder / "file.mrc").unit.empty());
}

TEST_CASE("348, 540 or 35615 columns: the header starts like that of NIfTI or gzip") {
  const TemporaryFolder folder;
  for (const std::string kept : {"mode1.mrc", "mode1_big.mrc"})
    for (const std::size_t columns : {std::size_t{348}, std::size_t{540}, std::size_t{35615}}) {
      CAPTURE(columns);
      Image image = ramp_image({{'Z', 2, 1}, {'Y', 3, 1}, {'X', columns, 1}}, SampleType::int16);
      image.header = read_image(fixture(kept)).header;
      WriteOptions options;
      options.overwrite = true;
      write_image(folder / "wide.mrc", image, options);
      CHECK(read_image(folder / "wide.mrc").values == image.values);
      CHECK_FALSE(read_image(folder / "wide.mrc").medical);
    }
}

TEST_CASE("a name that says MRC does not make a NIfTI file one") {
  const TemporaryFolder folder;
  std::filesystem::copy_file(fixture("int16.nii"), folder / "volume.mrc");
  CHECK(read_image(folder / "volume.mrc").values == read_image(fixture("int16.nii")).values);
  CHECK(read_image(folder / "volume.mrc").medical);
}

TEST_CASE("MRC files that cannot be read say why") {
  const TemporaryFolder folder;
  const std::vector<char> good = read_bytes(fixture("mode1.mrc"));
  const auto with = [&](std::size_t word, int value) {
    std::vector<char> bytes = good;
    set_word(bytes, word, value);
    return error_with(folder / "bad.mrc", bytes);
  };
  CHECK(contains(with(4, 4), "complex numbers (mode 4)"));
  CHECK(contains(with(4, 101), "4-bit samples (mode 101)"));
  CHECK(contains(with(4, 77), "unknown samples (mode 77)"));
  CHECK(contains(with(17, 2), "axes 2, 2 and 3"));
  CHECK(contains(with(1, -7), "a length of -7"));
  CHECK(contains(with(3, 2'000'000'000), "ends early"));
  CHECK(contains(with(24, -1), "-1 bytes of extended header"));
  CHECK(contains(with(24, 2'000'000'000), "of extended header"));
  CHECK(contains(error_with(folder / "cut.mrc", {good.begin(), good.begin() + kHeader + 50}), "50 of 210 bytes"));
  CHECK(contains(error_with(folder / "cut.mrc", {good.begin(), good.begin() + 300}), "300 of 1024 bytes of header"));
  std::vector<char> volumes = read_bytes(fixture("volumes.mrc"));
  set_word(volumes, 10, 5);
  CHECK(contains(error_with(folder / "volumes.mrc", volumes), "12 sections are no volumes of 5"));
}

TEST_CASE("MRC samples for check_with_python.py") {
  const char* folder = std::getenv("N2S_SAMPLE_FILES");
  if (folder == nullptr) return;
  for (const SampleType type :
       {SampleType::int8, SampleType::int16, SampleType::uint16, SampleType::float16, SampleType::float32}) {
    Image image = ramp_image({{'Z', 3, 1.5}, {'Y', 5, 1}, {'X', 7, 0.5}}, type);
    image.unit = "nm";
    write_image(std::filesystem::path(folder) / (std::string(sample_type_name(type)) + ".mrc"), image);
  }
  const Image film = ramp_image({{'T', 4, 1}, {'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::int16);
  write_image(std::filesystem::path(folder) / "film.mrc", film);
}

TEST_CASE("MRC sections that the header does not count are an error; a few bytes at the end are not") {
  const TemporaryFolder folder;
  std::vector<char> bytes = read_bytes(fixture("mode1_big.mrc"));
  bytes.resize(bytes.size() + 9);
  write_bytes(folder / "a.mrc", bytes);
  CHECK(read_image(folder / "a.mrc").values == read_image(fixture("mode1_big.mrc")).values);
  bytes.resize(bytes.size() + 70);
  write_bytes(folder / "a.mrc", bytes);
  CHECK(contains(error_of([&] { read_image(folder / "a.mrc"); }), "1 more section(s)"));
}
