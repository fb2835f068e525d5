// Order and axes of planes: OME-TIFF, microscopes' TIFFs, NRRD and MetaImage as other programs write them
// (make_fixtures.py).
#include <algorithm>

#include "data/formats/tiff_description.h"
#include "data/image_reader.h"
#include "data/stack.h"
#include "tests/data/foreign_files.h"

using namespace n2s;
using namespace n2s::test;

TEST_CASE("OME-TIFF: planes come in the order that the metadata says, from all files") {
  const std::vector<float> expected = ramp(420, SampleType::uint8);
  for (const std::string name : {"scrambled", "runs", "part0", "part1", "renamed"}) {
    CAPTURE(name);
    const Image image = read_image(fixture("ome_" + name + ".ome.tif"));
    check_axes(image, "T=2 C=2 Z=3 Y=5 X=7");
    CHECK(image.values == expected);
  }
  const Image scrambled = read_image(fixture("ome_scrambled.ome.tif"));
  CHECK(spacings(scrambled) == std::vector<double>{2.5, 1, 750, 0.5, 0.25});
  Image storage;
  const Image bare = read_image(fixture("ome_bare.ome.tif"));
  check_axes(bare, "Z=3 T=2 C=2 Y=5 X=7");
  CHECK(arranged(bare, "TCZYX", storage).values == expected);
}

TEST_CASE("OME-TIFF: several images need a choice, missing planes are an error") {
  CHECK(contains(error_of([] { read_image(fixture("ome_two.ome.tif")); }), "1: 'second' Z=3 Y=5 X=7"));
  const Image second = read_image(fixture("ome_two.ome.tif"), {.series = 1});
  check_axes(second, "Z=3 Y=5 X=7");
  CHECK(second.values[0] == ramp(420, SampleType::uint8)[105]);
  CHECK(contains(error_of([] { read_image(fixture("ome_short.ome.tif")); }), "promises 12 planes"));
  const TemporaryFolder folder;
  write_bytes(folder / "ome_part0.ome.tif", read_bytes(fixture("ome_part0.ome.tif")));
  CHECK(contains(error_of([&] { read_image(folder / "ome_part0.ome.tif"); }),
                 "'ome_part1.ome.tif', which is not beside it"));
  write_bytes(folder / "ome_part1.ome.tif", read_bytes(fixture("ome_part1.ome.tif")));
  CHECK(contains(error_of([&] { read_image(folder / "ome_part1.ome.tif"); }), "ome_companion.ome"));
}

TEST_CASE("OME-TIFF that is written keeps the axes, the spacing and what the metadata said about the image") {
  const TemporaryFolder folder;
  const Image image = read_image(fixture("ome_scrambled.ome.tif"));
  write_image(folder / "copy.ome.tif", image);
  const Image copy = read_image(folder / "copy.ome.tif");
  check_axes(copy, "T=2 Z=3 C=2 Y=5 X=7");
  CHECK(copy.unit == "micron");
  Image storage;
  CHECK(arranged(copy, "TCZYX", storage).values == image.values);
  CHECK(spacings(storage) == spacings(image));
  const auto* header = kept_header<TiffHeader>(copy);
  CHECK(contains(header->description, "Name=\"image\""));
  CHECK(contains(header->description, "<TiffData IFD=\"0\" PlaneCount=\"12\""));
  CHECK_FALSE(contains(header->description, "FirstZ"));
  const Image plain = ramp_image({{'Z', 3, 0.5}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::float32);
  write_image(folder / "plain.OME.TIFF", plain);
  check_axes(read_image(folder / "plain.OME.TIFF"), "Z=3 Y=5 X=7");
  const Image wide = ramp_image({{'Z', 3, 1}, {'Y', 5, 1}, {'X', 7, 1}}, SampleType::int64);
  CHECK(contains(error_of([&] { write_image(folder / "wide.ome.tif", wide); }),
                 "OME-TIFF cannot hold samples of type int64"));
  CHECK(folder.files() == 2);
}

TEST_CASE("tifffile's shapes: with names as they are, without names only as far as there is no choice") {
  const std::vector<float> array = ramp(840, SampleType::uint16);
  const Image named = read_image(fixture("shaped_named.tif"));
  check_axes(named, "T=4 Z=3 Y=5 X=7");
  CHECK(std::equal(named.values.begin(), named.values.end(), array.begin()));
  CHECK(contains(error_of([] { read_image(fixture("shaped_unnamed.tif")); }), "--axes CZYX"));
  check_axes(read_image(fixture("shaped_unnamed.tif"), {.axes = "CZYX"}), "C=4 Z=3 Y=5 X=7");
  CHECK(contains(error_of([] { read_image(fixture("shaped_unnamed.tif"), {.axes = "YXCZ"}); }), "end in YX"));
  CHECK(contains(error_of([] { read_image(fixture("shaped_two.tif")); }), "1: Z=2 Y=5 X=7"));
  const Image second = read_image(fixture("shaped_two.tif"), {.series = 1});
  CHECK(second.values[0] == array[105]);
  check_axes(read_image(fixture("uint8.tif"), {.axes = "TYX"}), "T=3 Y=5 X=7");
  CHECK(contains(error_of([] { read_image(fixture("imagej.tif"), {.axes = "TZCYX"}); }), "names its axes itself"));
}

TEST_CASE("MetaMorph, Zeiss and ScanImage: all planes, in their order, without thumbnails and flyback") {
  const std::vector<float> array = ramp(840, SampleType::uint16);  // C T Z Y X
  const Image stk = read_image(fixture("metamorph.stk"));
  check_axes(stk, "Z=4 Y=5 X=7");
  CHECK(spacings(stk) == std::vector<double>{0.75, 0.5, 0.25});
  for (std::size_t z = 0; z < 4; ++z) CHECK(stk.values[z * 35] == array[z * 105]);
  Image storage;
  const Image lsm = read_image(fixture("zeiss.lsm"));
  check_axes(lsm, "T=4 Z=3 C=2 Y=5 X=7");
  CHECK(spacings(lsm) == std::vector<double>{1, 0.75, 1, 0.5, 0.25});
  CHECK(arranged(lsm, "CTZYX", storage).values == array);
  const Image fast = read_image(fixture("scanimage_fast.tif"));
  check_axes(fast, "T=4 Z=3 C=2 Y=5 X=7");
  CHECK(arranged(fast, "CTZYX", storage).values == array);
  const Image slow = read_image(fixture("scanimage_slow.tif"));
  check_axes(slow, "Z=3 T=4 C=2 Y=5 X=7");
  CHECK(arranged(slow, "CTZYX", storage).values == array);
}

TEST_CASE("NRRD by pynrrd and SimpleITK: types, encodings, detached data, axes by kind") {
  for (const SampleType type : {SampleType::uint8, SampleType::int16, SampleType::uint32, SampleType::int64,
                                SampleType::float32, SampleType::float64})
    check_ramp("nrrd_" + std::string(sample_type_name(type)) + ".nrrd", type, "Z=3 Y=5 X=7");
  for (const std::string name : {"nrrd_gzip.nrrd", "nrrd_big.nrrd", "nrrd_detached.nhdr", "nrrd_detached_gzip.nhdr"}) {
    check_ramp(name, SampleType::uint16, "Z=3 Y=5 X=7");
    CHECK(read_image(fixture(name)).medical);
  }
  const Image turned = read_image(fixture("nrrd_itk.nrrd"));
  CHECK(spacings(turned) == std::vector<double>{0.75, 0.5, 0.25});
  CHECK(turned.unit == "mm");
  const Image vectors = read_image(fixture("nrrd_vectors.nrrd"));  // the vector's components are the fastest axis
  check_axes(vectors, "Z=3 C=2 Y=5 X=7");
  CHECK(vectors.values[1] == ramp(210, SampleType::int16)[2]);
  const Image film = read_image(fixture("nrrd_time.nrrd"));
  check_axes(film, "T=4 Z=3 Y=5 X=7");
  CHECK(contains(error_of([] { read_image(fixture("nrrd_unknown.nrrd")); }), "--axes CZYX"));
  check_axes(read_image(fixture("nrrd_unknown.nrrd"), {.axes = "TZYX"}), "T=4 Z=3 Y=5 X=7");
  CHECK(contains(error_of([] { read_image(fixture("nrrd_bzip2.nrrd")); }), "encoding 'bzip2'"));
}

TEST_CASE("NRRD keeps its header; of one time point the fields of the axes that are left") {
  const TemporaryFolder folder;
  const Image volume = read_image(fixture("nrrd_itk.nrrd"));
  write_image(folder / "copy.nrrd", volume);
  const std::vector<char> bytes = read_bytes(folder / "copy.nrrd");
  const std::string text(bytes.begin(), bytes.end());
  for (const char* line : {"space: left-posterior-superior\n", "space origin: (1,2,3)\n", "space directions: ("})
    CHECK(contains(text, line));
  CHECK(read_image(folder / "copy.nrrd").axes == volume.axes);
  const Image film = read_image(fixture("nrrd_time.nrrd"));
  StackOptions options;
  options.time = 1;
  const StackSelection selection = select_stack(film, options);
  write_image(folder / "one.nrrd", put_stack(film, selection, take_stack(film, selection)));
  const Image one = read_image(folder / "one.nrrd");
  check_axes(one, "Z=3 Y=5 X=7");
  CHECK(std::equal(one.values.begin(), one.values.end(), film.values.begin() + 105));
}

TEST_CASE("MetaImage by SimpleITK: types, compression, detached data, channels") {
  for (const SampleType type : {SampleType::uint8, SampleType::int16, SampleType::uint32, SampleType::int64,
                                SampleType::float32, SampleType::float64})
    check_ramp("meta_" + std::string(sample_type_name(type)) + ".mha", type, "Z=3 Y=5 X=7");
  for (const std::string name : {"meta_compressed.mha", "meta_detached.mhd", "meta_detached_compressed.mhd"}) {
    check_ramp(name, SampleType::uint16, "Z=3 Y=5 X=7");
    CHECK(spacings(read_image(fixture(name))) == std::vector<double>{0.75, 0.5, 0.25});
  }
  const Image vectors = read_image(fixture("meta_vectors.mha"));
  check_axes(vectors, "Z=3 C=2 Y=5 X=7");
  CHECK(vectors.values[1] == ramp(210, SampleType::int16)[2]);
  CHECK(contains(error_of([] { read_image(fixture("meta_four.mha")); }), "--axes CZYX"));
  const TemporaryFolder folder;
  write_image(folder / "copy.mha", read_image(fixture("meta_compressed.mha")));
  const std::vector<char> bytes = read_bytes(folder / "copy.mha");
  CHECK(contains(std::string(bytes.begin(), bytes.end()), "Offset = 1 2 3\n"));
}

TEST_CASE("samples beside a header are looked for in its folder alone") {
  const TemporaryFolder folder;
  for (const std::string name : {"/etc/passwd", "../secret.raw"}) {
    const std::string nrrd =
        "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 2 2\nencoding: raw\ndata file: " + name + "\n\n";
    write_bytes(folder / "a.nhdr", {nrrd.begin(), nrrd.end()});
    CHECK(contains(error_of([&] { read_image(folder / "a.nhdr"); }), "outside its folder"));
    const std::string meta = "NDims = 2\nDimSize = 2 2\nElementType = MET_UCHAR\nElementDataFile = " + name + "\n";
    write_bytes(folder / "a.mhd", {meta.begin(), meta.end()});
    CHECK(contains(error_of([&] { read_image(folder / "a.mhd"); }), "outside its folder"));
  }
}

TEST_CASE("planes that are read one by one, in any order, are those of the whole image") {
  for (const std::string name :
       {"time_int16.nii.gz", "big_int16.nii", "slope_uint8.nii", "ome_scrambled.ome.tif", "rgb.tif", "rgb_planar.tif",
        "imagej_one_directory.tif", "metamorph.stk", "zeiss.lsm", "tiles.tif", "one.h5", "volumes.mrc",
        "nrrd_gzip.nrrd", "nrrd_detached.nhdr", "meta_compressed.mha", "fortran_int16.npy", "int16.npy", "rgb.png"}) {
    CAPTURE(name);
    const Image whole = read_image(fixture(name));
    const std::unique_ptr<ImageReader> reader = open_image(fixture(name));
    CHECK(reader->image().axes == whole.axes);
    CHECK(reader->image().values.empty());
    CHECK(reader->image().medical == whole.medical);
    const std::size_t samples = reader->plane_samples();
    REQUIRE(reader->planes() * samples == whole.values.size());
    std::vector<float> plane(samples);
    for (std::size_t i = 0; i < 2 * reader->planes(); ++i) {
      const std::size_t number = i < reader->planes() ? reader->planes() - 1 - i : i - reader->planes();
      reader->read(number, plane);
      CHECK(
          std::equal(plane.begin(), plane.end(), whole.values.begin() + static_cast<std::ptrdiff_t>(number * samples)));
    }
    if (reader->planes() < 3) continue;
    std::vector<float> two(2 * samples);
    reader->read(1, two);
    CHECK(std::equal(two.begin(), two.end(), whole.values.begin() + static_cast<std::ptrdiff_t>(samples)));
  }
}
