// Weights on disk in the safetensors format: a JSON header with names, types and shapes, then the numbers. No code in
// the file, and Python reads it in one line. Format: github.com/huggingface/safetensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace n2s {

struct NamedTensor {
  std::string name;
  std::string type;                 // "F32", "F64", "I64", "U8"
  std::vector<std::int64_t> shape;  // slowest first
  std::vector<std::byte> bytes;     // little-endian

  std::size_t elements() const;
  /// The numbers of an F32 or F64 tensor; Error for other types.
  std::vector<double> as_double() const;
  std::vector<float> as_float() const;
};

NamedTensor float_tensor(std::string name, std::vector<std::int64_t> shape, std::span<const float> values);

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::vector<NamedTensor> tensors;

  /// Error, with the path that the file was read from, when there is no such tensor.
  const NamedTensor& at(const std::string& name) const;
  std::string path;
};

/// The file is not trusted: the header's length, every shape and every offset are checked against the bytes that are
/// there; tensors must cover the file without gap or overlap. Throws Error.
TensorFile read_safetensors(const std::string& path);

/// Writes atomically: an existing file stays whole until the new one is complete.
void write_safetensors(const std::string& path, const TensorFile& file);

}  // namespace n2s
