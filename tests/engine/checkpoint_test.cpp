// Models and states on disk: what is written comes back, and nothing that is damaged or foreign is taken for a model.
#include "engine/training/checkpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/graph/parameters.h"
#include "engine/training/safetensors.h"
#include "kernels/base/error.h"
#include "nets/network.h"
#include "tests/data/file_helpers.h"
#include "tests/kernels/random_image.h"

using namespace n2s;
using test::contains;
using test::error_of;

namespace {

std::vector<Layer> small_layers() {
  return {{"block.conv1", 2, 3, 0.1F}, {"output", 3, 1, 1}};
}

std::vector<float> numbered(const std::vector<Layer>& layers) {
  return test::random_values(parameter_layout(layers).total, 51);
}

/// A file of the given header (without its length) and data.
std::vector<char> tensor_file(const std::string& header, std::size_t data_bytes) {
  std::vector<char> bytes(8 + header.size() + data_bytes, '\1');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::copy(header.begin(), header.end(), bytes.begin() + 8);
  return bytes;
}

struct SavedModel {
  SavedModel() {
    save_model(path, small_layers(), {{{"network", "mri"}, {"planes", 4}}, numbered(small_layers())});
    bytes = test::read_bytes(path);
    std::memcpy(&header_bytes, bytes.data(), 8);
  }
  void write(const std::vector<char>& changed) const { test::write_bytes(path, changed); }
  test::TemporaryFolder folder;
  std::string path = (folder / "model.safetensors").string();
  std::vector<char> bytes;
  std::uint64_t header_bytes = 0;
};

}  // namespace

TEST_CASE("a model comes back with its configuration, named and shaped as in PyTorch") {
  const SavedModel saved;
  CHECK(load_parameters(saved.path, small_layers()) == numbered(small_layers()));
  CHECK(load_configuration(saved.path) == nlohmann::json{{"network", "mri"}, {"planes", 4}});

  const TensorFile file = read_safetensors(saved.path);
  CHECK(file.tensors.size() == 4);
  CHECK(file.at("block.conv1.weight").shape == std::vector<std::int64_t>{3, 2, 3, 3});
  CHECK(file.at("block.conv1.bias").shape == std::vector<std::int64_t>{3});
  CHECK(file.at("output.weight").shape == std::vector<std::int64_t>{1, 3, 3, 3});
  CHECK(file.at("output.weight").type == "F32");
  const std::vector<float> all = numbered(small_layers());
  const std::size_t begin = parameter_layout(small_layers()).layers[1].weight.offset;
  CHECK(file.at("output.weight").as_float()[13] == all[begin + 13]);
  CHECK(saved.header_bytes % 8 == 0);  // the numbers are aligned, as other readers of the format want them
}

TEST_CASE("both nets' own layers come back") {
  const test::TemporaryFolder folder;
  for (const Network& network : networks()) {
    const std::vector<Layer> layers = network.build(4).layers;
    const std::string path = (folder / network.name).string();
    save_model(path, layers, {{}, numbered(layers)});
    CHECK(load_parameters(path, layers) == numbered(layers));
  }
}

TEST_CASE("a state comes back to the last bit, and serves as a model") {
  const test::TemporaryFolder folder;
  const std::string path = (folder / "state").string();
  const std::vector<Layer> layers = small_layers();
  const std::size_t total = parameter_layout(layers).total;
  TrainingState state{17,
                      4000,
                      {0.1 + 0.2, 12, {}},
                      {512, 7},
                      numbered(layers),
                      test::random_values(total, 52),
                      test::random_values(total, 53)};
  for (const double best : {0.1 + 0.2, std::numeric_limits<double>::infinity(), 5e-324}) {
    state.best.loss = best;
    if (std::isfinite(best)) state.best.block_errors = {0.25F, 1e-30F, 7};
    save_state(path, layers, {{"network", "mri"}}, state);
    const TrainingState loaded = load_state(path, layers);
    CHECK(loaded.step == 17);
    CHECK(loaded.total_steps == 4000);
    CHECK(loaded.best == state.best);
    CHECK(loaded.loss_scaling == LossScaling{512, 7});
    CHECK(loaded.parameters == state.parameters);
    CHECK(loaded.first_moment == state.first_moment);
    CHECK(loaded.second_moment == state.second_moment);
  }
  CHECK(load_parameters(path, layers) == state.parameters);
  CHECK(load_configuration(path).at("network") == "mri");
}

TEST_CASE("a model is no state, and a file of another program is neither") {
  const SavedModel saved;
  CHECK(contains(error_of([&] { load_state(saved.path, small_layers()); }), saved.path));
  TensorFile foreign;
  foreign.tensors.push_back(float_tensor("weight", {2}, std::vector<float>{1, 2}));
  write_safetensors(saved.path, foreign);
  CHECK(contains(error_of([&] { load_configuration(saved.path); }), "not written by this program"));
  foreign.metadata["noise2stack"] = "{not json";
  write_safetensors(saved.path, foreign);
  error_of([&] { load_configuration(saved.path); });
  CHECK(contains(error_of([&] { load_configuration(saved.path + ".none"); }), "cannot be opened"));
}

TEST_CASE("counters that cannot be are refused") {
  const test::TemporaryFolder folder;
  const std::string path = (folder / "state").string();
  const std::vector<float> values = numbered(small_layers());
  const std::string good = R"({"step":1,"total_steps":2,"best_validation_bits":0,"best_step":0})";
  const auto with = [&](const std::string& counters) {
    save_state(path, small_layers(), {}, {1, 2, {0, 0, {}}, {}, values, values, values});
    TensorFile file = read_safetensors(path);
    file.metadata["noise2stack_state"] = counters;
    write_safetensors(path, file);
  };
  with(good);
  CHECK_NOTHROW(load_state(path, small_layers()));
  for (const char* bad : {"", "3", "{}", R"({"step":-1,"total_steps":2,"best_validation_bits":0,"best_step":0})",
                          R"({"step":"a","total_steps":2,"best_validation_bits":0,"best_step":0})",
                          R"({"step":1,"total_steps":2,"best_validation_bits":9221120237041090560,"best_step":0})"}) {
    CAPTURE(bad);
    with(bad);
    error_of([&] { load_state(path, small_layers()); });
  }
}

TEST_CASE("a model of another network is refused with a reason") {
  const SavedModel saved;
  const auto refused = [&](const std::vector<Layer>& layers) {
    return contains(error_of([&] { load_parameters(saved.path, layers); }), "another");
  };
  CHECK(refused({{"block.conv1", 2, 3, 1}}));                                           // too few
  CHECK(refused({{"block.conv1", 2, 3, 1}, {"output", 3, 1, 1}, {"extra", 1, 1, 1}}));  // too many
  CHECK(refused({{"block.conv1", 4, 3, 1}, {"output", 3, 1, 1}}));                      // other planes
  CHECK(refused({{"block.conv1", 3, 2, 1}, {"output", 3, 1, 1}}));                      // as many numbers
  CHECK(refused(find_network("mri").build(4).layers));
}

TEST_CASE("numbers that are not finite are refused") {
  const SavedModel saved;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::vector<float> values = numbered(small_layers());
    values.back() = bad;
    save_model(saved.path, small_layers(), {{}, values});
    CHECK(contains(error_of([&] { load_parameters(saved.path, small_layers()); }), "not finite"));
  }
}

TEST_CASE("a file cut at any byte, or with bytes behind its end, is an error") {
  const SavedModel saved;
  for (std::size_t length = 0; length < saved.bytes.size(); ++length) {
    CAPTURE(length);
    saved.write({saved.bytes.begin(), saved.bytes.begin() + static_cast<std::ptrdiff_t>(length)});
    CHECK_THROWS_AS(load_parameters(saved.path, small_layers()), Error);
  }
  std::vector<char> longer = saved.bytes;
  longer.push_back('\0');
  saved.write(longer);
  CHECK_THROWS_AS(read_safetensors(saved.path), Error);
}

TEST_CASE("damaged bytes give an error or other numbers, never anything worse") {
  const SavedModel saved;
  const RandomKey key{61, Purpose::test};
  int refused = 0;
  for (std::uint32_t round = 0; round < 3000; ++round) {
    std::vector<char> bytes = saved.bytes;
    const auto header = static_cast<std::uint32_t>(saved.header_bytes) + 8;
    for (std::uint32_t flip = 0; flip <= round % 3; ++flip)
      bytes[random_below(key, 8 * round + 2 * flip, header)] =
          static_cast<char>(random_bits(key, 8 * round + 2 * flip + 1) & 0xFFU);
    saved.write(bytes);
    try {
      load_configuration(saved.path);
      load_parameters(saved.path, small_layers());
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > 2000);  // the header has little that may change
}

TEST_CASE("headers that lie about lengths and positions are refused") {
  const SavedModel saved;
  const auto refuse = [&](const std::string& header, std::size_t data) {
    CAPTURE(header);
    saved.write(tensor_file(header, data));
    CHECK(contains(error_of([&] { read_safetensors(saved.path); }), saved.path));
  };
  const auto tensor = [](const std::string& shape, const std::string& offsets) {
    return R"({"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  saved.write(tensor_file(R"({"a":)" + tensor("[2]", "[0,8]") + R"(,"b":)" + tensor("[1]", "[8,12]") + "}", 12));
  CHECK(read_safetensors(saved.path).tensors.size() == 2);
  const auto pair = [&](const std::string& a, const std::string& b) {
    return R"({"a":)" + tensor("[2]", a) + R"(,"b":)" + tensor("[1]", b) + "}";
  };
  refuse(pair("[0,8]", "[4,8]"), 12);     // overlap
  refuse(pair("[0,8]", "[12,16]"), 16);   // gap
  refuse(pair("[4,12]", "[12,16]"), 16);  // gap at the beginning
  refuse(pair("[0,8]", "[8,12]"), 11);    // behind the end
  refuse(pair("[8,0]", "[8,12]"), 12);    // backwards
  refuse(pair("[-8,0]", "[0,4]"), 4);     // negative
  refuse(pair("[0.5,8]", "[8,12]"), 12);  // no integer
  refuse(R"({"a":)" + tensor("[4294967295,4294967295,4294967295]", "[0,8]") + "}", 8);
  refuse(R"({"a":)" + tensor("[2147483647,2147483647,2147483647]", "[0,8]") + "}", 8);
  refuse(R"({"a":)" + tensor("[-2]", "[0,8]") + "}", 8);
  refuse(R"({"a":)" + tensor("[2]", "[18446744073709551608,18446744073709551615]") + "}", 8);
  refuse(R"({"a":)" + tensor("[2]", R"({"x":0,"y":8})") + "}", 8);
  refuse(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8);
  refuse(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8);
  refuse(R"({"a":8})", 8);
  refuse(R"({"__metadata__":{"a":1}})", 0);
  for (const char* header : {"", "[]", "3", "null", "{", "\xff\xfe"}) refuse(header, 0);
  refuse(std::string(1'000'000, '['), 0);  // deep nesting must not cost the stack

  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{7}, std::uint64_t{1} << 40}) {
    std::vector<char> bytes = saved.bytes;
    std::memcpy(bytes.data(), &length, 8);
    saved.write(bytes);
    error_of([&] { read_safetensors(saved.path); });
  }
}

TEST_CASE("other types of numbers are read where they can be") {
  const test::TemporaryFolder folder;
  const std::string path = (folder / "types").string();
  const std::vector<double> wide{1.5, -2.25};
  const auto* bytes = reinterpret_cast<const std::byte*>(wide.data());  // NOLINT: bytes of numbers
  write_safetensors(path,
                    {{}, {{"wide", "F64", {2}, {bytes, bytes + 16}}, {"small", "U8", {3}, {3, std::byte{7}}}}, {}});
  const TensorFile file = read_safetensors(path);
  CHECK(file.at("wide").as_float() == std::vector<float>{1.5F, -2.25F});
  CHECK(file.at("wide").as_double() == wide);
  CHECK_THROWS_AS(file.at("small").as_float(), Error);
  CHECK(contains(error_of([&] { file.at("none"); }), path));
}
