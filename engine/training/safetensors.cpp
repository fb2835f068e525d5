// Checks every length and offset of a file before it is used.
#include "engine/training/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "data/atomic_file.h"
#include "data/json_text.h"
#include "kernels/base/error.h"

namespace n2s {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie in memory");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 16U << 20;  // bytes; ours take a few thousand

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(fmt::format("{}: not a usable safetensors file: {}", path, what));
}

std::size_t element_bytes(const std::string& type) {
  if (type == "U8" || type == "I8" || type == "BOOL") return 1;
  if (type == "F16" || type == "BF16" || type == "I16" || type == "U16") return 2;
  if (type == "F32" || type == "I32" || type == "U32") return 4;
  if (type == "F64" || type == "I64" || type == "U64") return 8;
  return 0;
}

std::vector<std::byte> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Error(fmt::format("{}: cannot be opened: check the path", path));
  const std::streamoff size = file.tellg();
  if (size < 0) fail(path, "it has no length");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);  // NOLINT: bytes of a file
  if (!file) throw Error(fmt::format("{}: cannot be read", path));
  return bytes;
}

/// Shape and position of one tensor as the header gives them, checked on their own.
struct Entry {
  NamedTensor tensor;
  std::uint64_t begin = 0, end = 0;
};

Entry parse_entry(const std::string& path, const std::string& name, const nlohmann::json& json) {
  Entry entry;
  entry.tensor.name = name;
  entry.tensor.type = json.at("dtype").get<std::string>();
  std::uint64_t bytes = element_bytes(entry.tensor.type);
  if (bytes == 0) fail(path, fmt::format("tensor '{}' has the unknown type '{}'", name, entry.tensor.type));
  for (const auto& extent : json.at("shape")) {
    if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max())
      fail(path, fmt::format("tensor '{}' has an impossible shape", name));
    const auto length = extent.get<std::uint64_t>();
    if (length != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / length)
      fail(path, fmt::format("tensor '{}' has an impossible shape", name));
    bytes *= length;
    entry.tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  const auto& offsets = json.at("data_offsets");
  if (offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    fail(path, fmt::format("tensor '{}' has no position", name));
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    fail(path, fmt::format("the length of tensor '{}' does not fit its shape", name));
  return entry;
}

std::vector<Entry> parse_header(const std::string& path, const nlohmann::json& header, TensorFile& file) {
  if (!header.is_object()) fail(path, "its header is no JSON object");
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__")
      file.metadata = json.get<std::map<std::string, std::string>>();
    else
      entries.push_back(parse_entry(path, name, json));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  return entries;
}

}  // namespace

std::size_t NamedTensor::elements() const {
  return bytes.size() / std::max<std::size_t>(1, element_bytes(type));
}

std::vector<double> NamedTensor::as_double() const {
  std::vector<double> values(elements());
  if (type == "F64") {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  } else {
    const std::vector<float> single = as_float();
    std::copy(single.begin(), single.end(), values.begin());
  }
  return values;
}

std::vector<float> NamedTensor::as_float() const {
  std::vector<float> values(elements());
  if (type == "F32") {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  } else if (type == "F64") {
    const std::vector<double> wide = as_double();
    std::transform(wide.begin(), wide.end(), values.begin(), [](double v) { return static_cast<float>(v); });
  } else {
    throw Error(fmt::format("tensor '{}' is {} where F32 is expected", name, type));
  }
  return values;
}

NamedTensor float_tensor(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {std::move(name), "F32", std::move(shape), {bytes.begin(), bytes.end()}};
}

const NamedTensor& TensorFile::at(const std::string& name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  if (found == tensors.end())
    throw Error(fmt::format("{}: has no tensor '{}': it belongs to another network or another version", path, name));
  return *found;
}

TensorFile read_safetensors(const std::string& path) {
  const std::vector<std::byte> bytes = read_bytes(path);
  if (bytes.size() < kLengthBytes) fail(path, fmt::format("it has only {} bytes", bytes.size()));
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > kLargestHeader || header_bytes > bytes.size() - kLengthBytes)
    fail(path, "its header is longer than the file, or than any real one");
  TensorFile file;
  file.path = path;
  try {
    const char* text = reinterpret_cast<const char*>(bytes.data()) + kLengthBytes;  // NOLINT: bytes of a file
    const auto header = parse_json({text, header_bytes});
    const std::size_t data = kLengthBytes + header_bytes;
    std::uint64_t expected = 0;
    for (Entry& entry : parse_header(path, header, file)) {
      if (entry.begin != expected || entry.end > bytes.size() - data)
        fail(path, fmt::format("tensor '{}' lies outside the file or over another: it was cut off or damaged",
                               entry.tensor.name));
      const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(data + entry.begin);
      entry.tensor.bytes.assign(first, first + static_cast<std::ptrdiff_t>(entry.end - entry.begin));
      expected = entry.end;
      file.tensors.push_back(std::move(entry.tensor));
    }
    if (data + expected != bytes.size()) fail(path, "there are bytes after the last tensor");
  } catch (const nlohmann::json::exception&) {
    fail(path, "its header cannot be understood");
  }
  return file;
}

void write_safetensors(const std::string& path, const TensorFile& file) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::size_t offset = 0;
  for (const NamedTensor& tensor : file.tensors) {
    const std::size_t end = offset + tensor.bytes.size();
    header[tensor.name] = {{"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = json_text(header);
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  std::vector<std::byte> bytes(kLengthBytes + text.size());
  bytes.reserve(bytes.size() + offset);
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, kLengthBytes);
  std::memcpy(bytes.data() + kLengthBytes, text.data(), text.size());
  for (const NamedTensor& tensor : file.tensors) bytes.insert(bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  write_file_atomically(path, bytes);
}

}  // namespace n2s
