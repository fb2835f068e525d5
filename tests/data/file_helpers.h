// What the file tests share: a folder that is removed again, bytes in and out, and the values of the fixtures.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "data/image.h"
#include "kernels/base/error.h"

namespace n2s::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "n2s-files-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error("cannot make a temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::vector<char> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::vector<char>& bytes) {
  // A file that is cut and written again is flushed to disk by ext4, which makes thousands of them slow.
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::filesystem::path fixture(const std::string& name) {
  return "tests/data/fixtures/" + name;
}

/// make_fixtures.py's ramp.
inline std::vector<float> ramp(std::size_t count, SampleType type) {
  std::vector<float> values(count);
  const bool is_float = !is_integer(type);
  const bool is_signed = is_float || sample_type_name(type)[0] == 'i';
  for (std::size_t i = 0; i < count; ++i) {
    const int value = static_cast<int>((7 * i + 3) % 101) - (is_signed ? 50 : 0);
    values[i] = is_float ? static_cast<float>(value) / 2 : static_cast<float>(value);
  }
  return values;
}

inline const std::vector<SampleType>& all_types() {
  static const std::vector<SampleType> types = {
      SampleType::uint8, SampleType::int8,   SampleType::uint16, SampleType::int16,   SampleType::uint32,
      SampleType::int32, SampleType::uint64, SampleType::int64,  SampleType::float32, SampleType::float64};
  return types;
}

/// An image with ramp's values; axes slowest first.
inline Image ramp_image(std::vector<Axis> axes, SampleType type) {
  Image image;
  image.axes = std::move(axes);
  image.type = type;
  image.values = ramp(sample_count(image.axes), type);
  return image;
}

/// The message of the Error that `call` throws; "" and a failed check where it throws none.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    std::string text = error.what();
    CHECK_MESSAGE(text.find('\n') == std::string::npos, text);
    return text;
  }
  FAIL_CHECK("no Error was thrown");
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace n2s::test
