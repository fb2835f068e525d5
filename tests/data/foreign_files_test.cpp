// Files that nibabel, tifffile, h5py and Pillow wrote (make_fixtures.py) and real ones, where they are at hand.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/formats/nifti_header.h"
#include "data/stack.h"
#include "tests/data/foreign_files.h"

using namespace n2s;
using namespace n2s::test;

namespace {

/// Of a NIfTI file.
const std::vector<unsigned char>& header_bytes(const Image& image) {
  const auto* header = kept_header<NiftiHeader>(image);
  REQUIRE(header != nullptr);
  return header->bytes;
}

}  // namespace

TEST_CASE("NIfTI by nibabel: types and byte orders") {
  for (const SampleType type : all_types())
    check_ramp(std::string(sample_type_name(type)) + ".nii", type, "Z=3 Y=5 X=7");
  check_ramp("big_int16.nii", SampleType::int16, "Z=3 Y=5 X=7");
  check_ramp("big_float64.nii", SampleType::float64, "Z=3 Y=5 X=7");
  check_ramp("second_int16.nii.gz", SampleType::int16, "Z=3 Y=5 X=7");
  check_ramp("second_big_float32.nii", SampleType::float32, "Z=3 Y=5 X=7");
  check_ramp("time_int16.nii.gz", SampleType::int16, "T=4 Z=3 Y=5 X=7");
  check_ramp("slope_nan.nii", SampleType::int16, "Z=3 Y=5 X=7");
  check_ramp("slope_zero.nii", SampleType::int16, "Z=3 Y=5 X=7");
  check_ramp("extension.nii.gz", SampleType::int16, "Z=3 Y=5 X=7");
}

TEST_CASE("NIfTI by nibabel: spacing, slope, refusals") {
  const Image image = read_image(fixture("int16.nii"));
  CHECK(spacings(image) == std::vector<double>{3.010399, 1.520691, 2});  // the lengths of the affine's columns
  CHECK(image.unit == "mm");
  const Image time = read_image(fixture("time_int16.nii.gz"));
  CHECK(time.axes[0].spacing == doctest::Approx(0.0025));
  CHECK(time.unit == "micron");
  const Image scaled = read_image(fixture("slope_uint8.nii"));
  const std::vector<float> stored = ramp(scaled.values.size(), SampleType::uint8);
  for (std::size_t i = 0; i < stored.size(); ++i) CHECK(scaled.values[i] == stored[i] * 0.5F - 3);
  CHECK(contains(error_of([] { read_image(fixture("pair.hdr")); }), "one half of a .hdr/.img pair"));
  CHECK(contains(error_of([] { read_image(fixture("complex.nii")); }), "holds complex samples"));
}

TEST_CASE("NIfTI outputs keep the input's header") {
  const TemporaryFolder folder;
  for (const std::string name : {"int16.nii", "big_int16.nii", "second_int16.nii.gz", "second_big_float32.nii",
                                 "slope_uint8.nii", "slope_nan.nii", "extension.nii.gz"}) {
    CAPTURE(name);
    const Image image = read_image(fixture(name));
    WriteOptions options;
    options.overwrite = true;
    write_image(folder / "out.nii", image, options);
    const Image back = read_image(folder / "out.nii");
    CHECK(header_bytes(back) == header_bytes(image));
    CHECK(back.values == image.values);
    options.type = SampleType::float64;  // other type: slope, type and bits change, orientation stays
    write_image(folder / "out.nii", image, options);
    const Image other = read_image(folder / "out.nii");
    CHECK(other.values == image.values);
    CHECK(other.axes == image.axes);
    const std::ptrdiff_t start = header_bytes(image).size() >= 540 && header_bytes(image)[4] == 'n' ? 208 : 120;
    CHECK(std::equal(header_bytes(image).begin() + start, header_bytes(image).end(),
                     header_bytes(other).begin() + start));
  }
}

TEST_CASE("one time point of a NIfTI becomes a volume with the same orientation") {
  const TemporaryFolder folder;
  const Image image = read_image(fixture("time_int16.nii.gz"));
  StackOptions options;
  options.time = 2;
  const StackSelection selection = select_stack(image, options);
  write_image(folder / "out.nii.gz", put_stack(image, selection, take_stack(image, selection)));
  const Image back = read_image(folder / "out.nii.gz");
  check_axes(back, "Z=3 Y=5 X=7");
  CHECK(std::equal(back.values.begin(), back.values.end(), image.values.begin() + 210));
  CHECK(std::equal(header_bytes(image).begin() + 252, header_bytes(image).begin() + 348,
                   header_bytes(back).begin() + 252));  // qform and sform
}

TEST_CASE("TIFF by tifffile: types, compressions, layouts") {
  for (const SampleType type : all_types())
    check_ramp(std::string(sample_type_name(type)) + ".tif", type, "Z=3 Y=5 X=7");
  for (const std::string name : {"lzw", "deflate", "packbits", "zstd", "lzma", "predictor", "strips", "tiles"})
    check_ramp(name + ".tif", SampleType::uint16, "Z=3 Y=40 X=37");
  check_ramp("float_predictor.tif", SampleType::float32, "Z=3 Y=40 X=37");
  check_ramp("bigtiff.tif", SampleType::int32, "Z=3 Y=5 X=7");
  const Image big = read_image(fixture("big_endian.tif"));
  CHECK(big.values[36] == (7 * (40 * 37 + 1) + 3) % 101);
  CHECK(contains(error_of([] { read_image(fixture("one_bit.tif")); }), "1-bit integer samples"));
  CHECK(contains(error_of([] { read_image(fixture("uneven.tif")); }),
                 "holds 2 series of planes that are no stack together"));
  check_axes(read_image(fixture("uneven.tif"), {.series = 1}), "Y=6 X=7");
  CHECK(contains(error_of([] { read_image(fixture("uneven.tif"), {.series = 2}); }), "there is no series 2"));
}

TEST_CASE("TIFF by tifffile: colours") {
  for (const std::string name : {"rgb.tif", "rgb_planar.tif", "rgb_tiles.tif"}) {
    CAPTURE(name);
    const Image image = read_image(fixture(name));
    CHECK(image.colour);
    REQUIRE(image.axes.size() == 3);
    CHECK(image.axes[0].length == 3);
    const std::size_t pixels = image.values.size() / 3;
    const bool planar = name == "rgb_planar.tif";
    for (std::size_t i = 0; i < image.values.size(); ++i) {
      const std::size_t place = planar ? i : i % pixels * 3 + i / pixels;
      REQUIRE(image.values[i] == static_cast<float>((7 * place + 3) % 101));
    }
    CHECK(contains(error_of([&] { select_stack(image); }), "colour image: choose one of its 3 channels"));
    StackOptions options;
    options.channel = 1;
    CHECK(take_stack(image, select_stack(image, options)).voxels[0] == image.values[pixels]);
  }
}

TEST_CASE("TIFF by tifffile: ImageJ and OME") {
  check_ramp("imagej.tif", SampleType::uint16, "T=4 Z=3 C=2 Y=5 X=7");
  const Image hyperstack = read_image(fixture("imagej.tif"));
  CHECK(hyperstack.unit == "micron");
  CHECK(spacings(hyperstack) == std::vector<double>{2.5, 0.75, 1, 0.5, 0.25});
  for (const std::string name : {"imagej_z.tif", "imagej_one_directory.tif"}) {
    check_ramp(name, name == "imagej_z.tif" ? SampleType::float32 : SampleType::uint16, "Z=3 Y=5 X=7");
    CHECK(spacings(read_image(fixture(name))) == std::vector<double>{0.75, 0.5, 0.25});
  }
  check_ramp("ome.tif", SampleType::uint8, "T=4 C=2 Z=3 Y=5 X=7");
  const Image ome = read_image(fixture("ome.tif"));
  CHECK(ome.unit == "micron");
  CHECK(spacings(ome) == std::vector<double>{1, 1, 0.75, 0.5, 0.25});
}

TEST_CASE("PNG by Pillow") {
  check_ramp("grey8.png", SampleType::uint8, "Y=5 X=7");
  const Image deep = read_image(fixture("grey16.png"));
  CHECK(deep.type == SampleType::uint16);
  CHECK(deep.values[1] == 6000);
  const Image colour = read_image(fixture("rgb.png"));
  check_axes(colour, "C=3 Y=5 X=7");
  CHECK(colour.values[35] == 10);
  const Image grey = read_image(fixture("grey_as_rgb.png"));
  check_axes(grey, "Y=5 X=7");
  CHECK(grey.values == ramp(35, SampleType::uint8));
  const Image alpha = read_image(fixture("grey_alpha.png"));
  check_axes(alpha, "Y=5 X=7");
  CHECK(alpha.values[1] == 17);
  CHECK(read_image(fixture("one_bit.png")).values[7] == 255);
  CHECK(read_image(fixture("palette.png")).values[0] == 100);  // index 3
}

TEST_CASE("HDF5 by h5py") {
  for (const SampleType type : all_types()) {
    CAPTURE(sample_type_name(type));
    const Image image = read_image(fixture("types.h5"), {"by_type/" + std::string(sample_type_name(type))});
    CHECK(image.type == type);
    CHECK(image.values == ramp(105, type));
  }
  CHECK(read_image(fixture("types.h5"), {"by_type/big_i2"}).values == ramp(105, SampleType::int16));
  CHECK(read_image(fixture("types.h5"), {"by_type/big_f8"}).values == ramp(105, SampleType::float64));
  CHECK(read_image(fixture("types.h5"), {"by_type/float16"}).values == ramp(105, SampleType::float32));
  const std::string many = error_of([] { read_image(fixture("types.h5")); });
  CHECK(contains(many, "choose a dataset with --dataset: /by_type/big_f8 (3x5x7 float64), "));
  CHECK(contains(error_of([] { read_image(fixture("types.h5"), {"vector"}); }), "has 1 dimensions"));
  CHECK(contains(error_of([] { read_image(fixture("types.h5"), {"text"}); }), "no dataset '/text' of numbers"));
  CHECK(contains(error_of([] { read_image(fixture("external.h5")); }), "in other files"));

  check_ramp("one.h5", SampleType::uint16, "Z=3 Y=5 X=7");
  const Image one = read_image(fixture("one.h5"));
  CHECK(spacings(one) == std::vector<double>{0.75, 0.5, 0.25});
  CHECK(one.unit == "micron");
  check_ramp("two.h5", SampleType::int16, "Y=5 X=7");
  CHECK(contains(error_of([] { read_image(fixture("four.h5")); }), "4 dimensions (4, 3, 5, 7) without names"));
  CHECK(contains(error_of([] { read_image(fixture("five.h5")); }), "--axes TCZYX"));
  using Named = std::pair<std::string, std::string>;
  for (const Named& named :
       {Named{"labels", "C=4 Z=3 Y=5 X=7"}, Named{"ilastik", "Z=3 C=4 Y=5 X=7"}, Named{"netcdf", "T=4 Z=3 Y=5 X=7"}}) {
    CAPTURE(named.first);
    const Image image = read_image(fixture("named.h5"), {.dataset = named.first});
    check_axes(image, named.second);
    CHECK(image.values[35] == ramp(420, SampleType::int16)[image.axes[0].name == 'Z' ? 105 : 35]);
  }
  const Image five = read_image(fixture("five.h5"), {.axes = "TCZYX"});
  check_axes(five, "T=4 C=2 Z=3 Y=5 X=7");
  CHECK(five.values == ramp(five.values.size(), SampleType::int16));
}

TEST_CASE("HDF5 by h5py: unsigned integers that are stored with a sign") {
  const std::vector<float> stored = ramp(105, SampleType::int16);
  const Image bytes = read_image(fixture("packed.h5"), {"unsigned"});
  CHECK(bytes.type == SampleType::uint8);
  const Image cells = read_image(fixture("packed.h5"), {"t00001/s00/0/cells"});
  CHECK(cells.type == SampleType::uint16);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CHECK(bytes.values[i] == stored[i] + (stored[i] < 0 ? 256.0F : 0.0F));
    CHECK(cells.values[i] == stored[i] + (stored[i] < 0 ? 65536.0F : 0.0F));
  }
}

TEST_CASE("HDF5 by h5py: packed as netCDF has it") {
  const std::vector<float> stored = ramp(105, SampleType::int16);
  const Image slope = read_image(fixture("packed.h5"), {"slope"});
  CHECK(slope.type == SampleType::int16);  // and a format that has a slope keeps them
  CHECK(slope.slope == 0.5);
  CHECK(slope.intercept == 10);
  const Image missing = read_image(fixture("packed.h5"), {"missing"});
  CHECK(missing.type == SampleType::float32);
  const Image floats = read_image(fixture("packed.h5"), {"floats"});
  const std::vector<float> plain = ramp(105, SampleType::float32);
  std::size_t gaps = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    CHECK(slope.values[i] == stored[i] / 2 + 10);
    CHECK(floats.values[i] == plain[i] + 10);
    if (stored[i] == -50) {
      CHECK(std::isnan(missing.values[i]));
      ++gaps;
    } else {
      CHECK(missing.values[i] == 2 * stored[i]);
    }
  }
  CHECK(gaps > 0);
}

namespace {

/// A volume of `slices` ranges, which make_fixtures.py sets (and nibabel reads in the same way): slice i goes from i /
/// 8 to 2 i / 8 + 3, where its stored numbers are limited to `first` and `last`.
void check_minc(const std::string& name, SampleType stored_type, const std::string& axes, std::size_t slices,
                float first, float last) {
  CAPTURE(name);
  const Image image = read_image(fixture(name), {.axes = axes});
  const std::vector<float> stored = ramp(image.values.size(), stored_type);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const std::size_t slice = i * slices / stored.size();
    const double low = static_cast<double>(slice) / 8;
    const double part = (std::clamp(stored[i], first, last) - first) / double{last - first};
    CHECK(image.values[i] == doctest::Approx(low + part * (low + 3)).epsilon(1e-6));
  }
}

}  // namespace

TEST_CASE("MINC 2: ranges of slices, axes, spacing") {
  check_minc("minc_one.mnc", SampleType::uint16, "", 1, 0, 1000);
  check_minc("minc_slices.mnc", SampleType::uint8, "ZYX", 3, 10, 90);  // in the file's order, by other names
  check_minc("minc_times.mnc", SampleType::int16, "", 6, -32768, 32767);
  const Image one = read_image(fixture("minc_one.mnc"));
  CHECK(one.type == SampleType::uint16);
  CHECK(one.slope == doctest::Approx(0.003));
  CHECK(one.medical);
  CHECK(one.unit == "mm");
  check_axes(one, "Z=3 Y=5 X=7");
  CHECK(spacings(one) == std::vector<double>{1.5, 2.5, 0.5});  // its step along x is negative
  const Image slices = read_image(fixture("minc_slices.mnc"));
  CHECK(slices.type == SampleType::float32);
  check_axes(slices, "Z=5 Y=7 X=3");  // planes last, as of any file
  check_axes(read_image(fixture("minc_times.mnc")), "T=2 Z=3 Y=5 X=7");
  CHECK(read_image(fixture("minc_float.mnc")).values == ramp(105, SampleType::float32));
}

namespace {

// What nibabel, tifffile and Pillow say of the files; weighted is the sum of value * (index % 97).
struct Facts {
  std::string file, axes, unit;
  SampleType type;
  double sum, weighted, low, high;
  std::vector<double> spacing;
};

const std::vector<Facts>& shared_facts() {
  static const std::vector<Facts> facts = {
      {"mri/sub-01_T1w.nii.gz",
       "Z=192 Y=192 X=160",
       "mm",
       SampleType::int16,
       73937380,
       3549631006,
       0,
       235,
       {1.333333, 1.333333, 1}},
      {"mri/sub-10_T1w.nii.gz",
       "Z=192 Y=192 X=160",
       "mm",
       SampleType::int16,
       72636305,
       3485599414,
       0,
       336,
       {1.333333, 1.333333, 1}},
      {"stacks/xyz_8bit__chromosomes.tif",
       "Z=40 Y=152 X=126",
       "micron",
       SampleType::uint16,
       93054994,
       4466409935,
       35,
       237,
       {0.15, 0.033854, 0.033854}},
      {"stacks/xyz_calibrated_16bit__golgi_bfa.tif",
       "Z=25 Y=137 X=147",
       "micron",
       SampleType::uint16,
       28822807,
       1382497428,
       0,
       14421,
       {0.3876, 0.351435, 0.351435}},
      {"stacks/xyz_nuclear_envelope_drosophila.tif",
       "Z=14 Y=224 X=305",
       "micron",
       SampleType::uint8,
       47499664,
       2280177915,
       1,
       251,
       {1, 0.241650, 0.241650}},
      {"stacks/xyzc_16bit__dna_conf_wf.tif",
       "Z=45 C=2 Y=130 X=133",
       "micron",
       SampleType::uint16,
       1099615514,
       52788003554,
       0,
       61711,
       {0.499413, 1, 0.511878, 0.511878}},
      {"microscopy_pairs/low_019.tif", "Y=512 X=512", "", SampleType::uint8, 8326264, 399343843, 0, 255, {1, 1}},
      {"images/01.png", "Y=256 X=256", "", SampleType::uint8, 7780728, 373062531, 7, 253, {1, 1}}};
  return facts;
}

}  // namespace

TEST_CASE("real files: ImageJ's stacks, a scanner's volumes") {
  const char* named = std::getenv("N2S_SHARED_DATA");
  const std::filesystem::path folder = named != nullptr ? named : "../shared/data";
  for (const Facts& facts : shared_facts()) {
    CAPTURE(facts.file);
    if (!std::filesystem::exists(folder / facts.file)) {
      MESSAGE("skipped: there is no " << (folder / facts.file).string() << " (set N2S_SHARED_DATA)");
      continue;
    }
    const Image image = read_image(folder / facts.file);
    check_axes(image, facts.axes);
    CHECK(image.unit == facts.unit);
    CHECK(image.type == facts.type);
    CHECK(spacings(image) == facts.spacing);
    double sum = 0, weighted = 0;
    for (std::size_t i = 0; i < image.values.size(); ++i) {
      sum += image.values[i];
      weighted += image.values[i] * static_cast<double>(i % 97);
    }
    CHECK(sum == facts.sum);
    CHECK(weighted == facts.weighted);
    CHECK(*std::min_element(image.values.begin(), image.values.end()) == facts.low);
    CHECK(*std::max_element(image.values.begin(), image.values.end()) == facts.high);
  }
}
