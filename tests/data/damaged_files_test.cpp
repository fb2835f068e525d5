// Damaged files: cut at any length and with bytes changed. Nothing may crash; what is cut must be an Error.
#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <set>

#include "data/formats/formats.h"
#include "tests/data/file_helpers.h"

using namespace n2s;
using namespace n2s::test;

namespace {

// What was read, or nothing where the file was refused with an Error. All else ends the test.
std::optional<Image> try_to_read(const std::filesystem::path& path) {
  try {
    Image image = read_image(path);
    CHECK(image.values.size() == sample_count(image.axes));
    return image;
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return std::nullopt;
  }
}

const std::vector<std::string>& samples() {
  static const std::vector<std::string> list = {"int16.nii",        "big_float64.nii", "second_int16.nii.gz",
                                                "extension.nii.gz", "int16.tif",       "lzw.tif",
                                                "deflate.tif",      "packbits.tif",    "zstd.tif",
                                                "lzma.tif",         "predictor.tif",   "tiles.tif",
                                                "strips.tif",       "bigtiff.tif",     "rgb_planar.tif",
                                                "imagej.tif",       "ome.tif",         "imagej_one_directory.tif",
                                                "grey8.png",        "grey16.png",      "rgb.png",
                                                "palette.png"};
  return list;
}

}  // namespace

TEST_CASE("files that end early") {
  const TemporaryFolder folder;
  for (const std::string& name : samples()) {
    CAPTURE(name);
    const std::vector<char> whole = read_bytes(fixture(name));
    REQUIRE(whole.size() > 64);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 600);
    const Image expected = read_image(fixture(name));
    for (std::size_t size = 0; size < whole.size(); size += size < 600 ? 1 : step) {
      write_bytes(folder / "cut", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      const std::optional<Image> image = try_to_read(folder / "cut");
      if (!image) continue;
      // Only padding behind the last directory may be missing without a word.
      CAPTURE(size);
      CHECK(whole.size() - size < 32);
      CHECK(image->values == expected.values);
      CHECK(image->axes == expected.axes);
      CHECK(image->unit == expected.unit);
    }
  }
}

TEST_CASE("files of every format that end early or have changed bytes") {
  const TemporaryFolder folder;
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same files in every run
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    const std::filesystem::path path = folder / ("whole" + std::string(format.extensions.front()));
    const std::vector<Axis> plane{{'Y', 5, 1}, {'X', 7, 1}};
    const std::vector<Axis> stack{{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}};
    const Image image = ramp_image(format.axes.find('Z') == std::string_view::npos ? plane : stack, SampleType::uint16);
    write_image(path, image);
    CHECK(read_image(path).values == image.values);
    if (std::filesystem::is_directory(path)) continue;  // tests/tools/zarr_test.py damages these
    const std::vector<char> whole = read_bytes(path);
    for (std::size_t size = 0; size < whole.size(); size += size < 600 ? 1 : 1 + whole.size() / 600) {
      CAPTURE(size);
      write_bytes(folder / "cut", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      CHECK(!try_to_read(folder / "cut"));
    }
    if (format.crashes_on_damage) continue;
    for (int round = 0; round < 1000; ++round) {
      std::vector<char> changed = whole;
      for (std::size_t change = 0; change < 1 + random() % 3; ++change)
        changed[random() % whole.size()] = static_cast<char>(random() % 2 == 0 ? random() % 256 : 255 * (random() % 2));
      write_bytes(folder / "changed", changed);
      try_to_read(folder / "changed");
    }
  }
}

TEST_CASE("every format: a row with all it needs, extensions of its own, and types that come back or are widened") {
  const TemporaryFolder folder;
  std::set<std::string_view> extensions;
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    for (const std::string_view extension : format.extensions) {
      CHECK(extensions.insert(extension).second);
      CHECK(format_of_name("name" + std::string(extension)) == &format);
      CHECK(contains(format_extensions(), std::string(extension)));
    }
    CHECK(contains(format_names(), std::string(format.name)));
    if (!format.types.empty()) continue;  // round_trip_test.cpp has those of few types
    for (const SampleType type : all_types()) {
      const Image image = ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, type);
      const std::filesystem::path path = folder / ("type" + std::string(format.extensions.back()));
      WriteOptions options;
      options.overwrite = true;
      write_image(path, image, options);
      CHECK(read_image(path).values == image.values);
    }
    const Image half = ramp_image({{'Z', 2, 1}, {'Y', 4, 1}, {'X', 6, 1}}, SampleType::float16);
    write_image(folder / ("half" + std::string(format.extensions.front())), half);
    const Image back = read_image(folder / ("half" + std::string(format.extensions.front())));
    CHECK(back.type == (format.float16 ? SampleType::float16 : SampleType::float32));
    CHECK(back.values == half.values);
  }
}

TEST_CASE("HDF5 files that end early") {
  const TemporaryFolder folder;
  for (const std::string name : {"one.h5", "four.h5"}) {
    const std::vector<char> whole = read_bytes(fixture(name));
    for (std::size_t size = 0; size < whole.size(); size += size < 600 ? 1 : 13) {
      CAPTURE(size);
      write_bytes(folder / "cut", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
      CHECK(!try_to_read(folder / "cut"));
    }
  }
}

TEST_CASE("changed bytes") {
  const TemporaryFolder folder;
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same files in every run
  for (const std::string& name : samples()) {
    CAPTURE(name);
    const std::vector<char> whole = read_bytes(fixture(name));
    for (int round = 0; round < 300; ++round) {
      std::vector<char> changed = whole;
      // TIFF directories are anywhere; NIfTI and PNG headers are at the start.
      const bool anywhere = contains(name, ".tif") && round % 2 == 0;
      const std::size_t reach = anywhere ? whole.size() : std::min<std::size_t>(whole.size(), 360);
      const std::size_t changes = 1 + random() % 4;
      for (std::size_t i = 0; i < changes; ++i) {
        constexpr std::array<int, 5> kTelling = {0, 1, 127, 128, 255};
        changed[random() % reach] =
            static_cast<char>(round % 3 == 0 ? kTelling[random() % 5] : static_cast<int>(random() % 256));
      }
      write_bytes(folder / "changed", changed);
      try_to_read(folder / "changed");
    }
  }
}

TEST_CASE("messages say what is wrong and what to do") {
  const TemporaryFolder folder;
  const auto message_of = [&](const std::string& name) { return error_of([&] { read_image(folder / name); }); };
  const std::vector<char> volume = read_bytes(fixture("int16.nii"));
  write_bytes(folder / "cut.nii", {volume.begin(), volume.begin() + 400});
  CHECK(contains(message_of("cut.nii"), "cut.nii: the file ends early (48 of 210 bytes of samples); copy or download"));
  write_bytes(folder / "empty.tif", {});
  CHECK(contains(message_of("empty.tif"), "empty.tif: the file is empty"));
  write_bytes(folder / "text.tif", std::vector<char>(100, 'x'));
  CHECK(contains(message_of("text.tif"), "not a " + format_names() + " file: its content is not what its name says"));
  CHECK(contains(message_of("missing.tif"), "No such file"));
  std::filesystem::create_directory(folder / "folder");
  CHECK(contains(message_of("folder"), "is a folder"));
  const std::vector<char> packed = read_bytes(fixture("second_int16.nii.gz"));
  write_bytes(folder / "cut.nii.gz", {packed.begin(), packed.end() - 20});
  CHECK(contains(message_of("cut.nii.gz"), "the file ends early"));
  std::vector<char> bad = packed;
  bad[bad.size() - 6] ^= 1;  // the checksum
  write_bytes(folder / "bad.nii.gz", bad);
  CHECK(contains(message_of("bad.nii.gz"), "damaged gzip data"));
  CHECK(contains(error_of([] { read_image(fixture("int16.nii"), {"data"}); }), "NIfTI files have no datasets"));
}

TEST_CASE("sizes that no file could fill are refused at once") {
  const TemporaryFolder folder;
  std::vector<char> volume = read_bytes(fixture("uint8.nii"));
  for (std::size_t i = 42; i < 48; i += 2) {  // dim[1..3] = 32767: 35 TB
    volume[i] = '\xff';
    volume[i + 1] = '\x7f';
  }
  write_bytes(folder / "huge.nii", volume);
  CHECK(contains(error_of([&] { read_image(folder / "huge.nii"); }), "of 35181150961663 bytes of samples"));
  std::vector<char> page = read_bytes(fixture("deflate.tif"));
  const std::string width = {0, 1, 4, 0, 1, 0, 0, 0, 37, 0, 0, 0};  // ImageWidth, LONG, 1, 37
  auto at = std::search(page.begin(), page.end(), width.begin(), width.end());
  if (at == page.end()) {
    const std::string short_width = {0, 1, 3, 0, 1, 0, 0, 0, 37, 0, 0, 0};
    at = std::search(page.begin(), page.end(), short_width.begin(), short_width.end());
  }
  REQUIRE(at != page.end());
  at[2] = 4;
  at[11] = '\x7f';  // two milliard columns
  write_bytes(folder / "huge.tif", page);
  error_of([&] { read_image(folder / "huge.tif"); });
}

TEST_CASE("formats that are not read are named, with what to do") {
  const TemporaryFolder folder;
  const auto error_for = [&](const std::string& start, std::size_t offset = 0) {
    std::vector<char> bytes(600, 1);
    std::copy(start.begin(), start.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    write_bytes(folder / "file", bytes);
    return error_of([&] { read_image(folder / "file"); });
  };
  CHECK(contains(error_for("ZISRAWFILE"), "CZI file, which cannot be read: export it as OME-TIFF"));
  CHECK(contains(error_for("\xda\xce\xbe\x0a"), "ND2"));
  CHECK(contains(error_for("DICM", 128), "dcm2niix"));
  CHECK(contains(error_for("\xff\xd8\xff"), "JPEG"));
  CHECK(contains(error_for("anything"), "convert it to one of these"));
  std::filesystem::create_directory(folder / "image.zarr");
  write_bytes(folder / "image.zarr" / ".zgroup", {'{', '}'});
  CHECK(contains(error_of([&] { read_image(folder / "image.zarr"); }), "Zarr group without an image"));
}

TEST_CASE("a tile that is far larger than its page asks for no memory (found by tests/fuzz)") {
  const TemporaryFolder folder;
  std::vector<char> bytes = read_bytes(fixture("tiles.tif"));
  for (std::size_t i = 0; i + 12 <= bytes.size(); ++i)  // TileWidth: tag 322 of the first page, one value
    if (bytes[i] == 0x42 && bytes[i + 1] == 1 && bytes[i + 4] == 1 && bytes[i + 8] == 32) {
      bytes[i + 2] = 4;  // LONG
      bytes[i + 11] = 1;
      break;
    }
  write_bytes(folder / "file.tif", bytes);
  CHECK(contains(error_of([&] { read_image(folder / "file.tif"); }), "tiles of 16777248x16 pixels"));
}
