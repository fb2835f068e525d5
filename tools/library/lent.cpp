// See lent.h.
#include "tools/library/lent.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "tools/command_line.h"

namespace n2s {
namespace {

SampleType sample_type(n2s_type type) {
  constexpr std::array<SampleType, 11> kTypes{SampleType::uint8,   SampleType::int8,   SampleType::uint16,
                                              SampleType::int16,   SampleType::uint32, SampleType::int32,
                                              SampleType::uint64,  SampleType::int64,  SampleType::float16,
                                              SampleType::float32, SampleType::float64};
  const auto number = static_cast<std::size_t>(type);
  if (number >= kTypes.size()) throw UsageError(fmt::format("type {}: no n2s_type", number));
  return kTypes.at(number);
}

/// An array that the caller reads and writes plane by plane.
void lend_planes(const n2s_array& array, const std::string& name, LentArray& result) {
  const auto check = [name](int failed, const char* what, std::size_t first, std::size_t count) {
    if (failed != 0)
      throw Error(fmt::format("{}: the caller could not {} planes {} to {}", name, what, first, first + count - 1));
  };
  const auto unable = [name](const char* what) {
    throw UsageError(fmt::format("{}: has no function to {} it", name, what));
  };
  result.read = [=, read = array.read, user = array.user](std::size_t first, std::size_t count,
                                                          std::span<std::byte> samples) {
    if (read == nullptr) unable("read");
    check(read(static_cast<int64_t>(first), static_cast<int64_t>(count), samples.data(), user), "read", first, count);
  };
  result.write = [=, write = array.write, user = array.user](std::size_t first, std::size_t count,
                                                             std::span<const std::byte> samples) {
    if (write == nullptr) unable("write");
    check(write(static_cast<int64_t>(first), static_cast<int64_t>(count), samples.data(), user), "write", first, count);
  };
}

/// Addresses of the first sample and behind the last one.
std::pair<std::uintptr_t, std::uintptr_t> memory_of(const LentArray& array) {
  auto low = reinterpret_cast<std::uintptr_t>(array.data);
  std::uintptr_t high = low + sample_bytes(array.type);
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    const std::ptrdiff_t reach = array.strides[i] * static_cast<std::ptrdiff_t>(array.shape[i] - 1);
    if (reach < 0)
      low -= static_cast<std::uintptr_t>(-reach);
    else
      high += static_cast<std::uintptr_t>(reach);
  }
  return {low, high};
}

}  // namespace

void require(const void* argument, const char* name) {
  if (argument == nullptr) throw UsageError(fmt::format("{}: is NULL", name));
}

LentArray lent(const n2s_array* array, const char* name) {
  require(array, name);
  if (array->data == nullptr && array->read == nullptr && array->write == nullptr)
    throw UsageError(fmt::format("{}: its data are NULL", name));
  if (array->dimensions < 2 || array->dimensions > N2S_MAX_DIMENSIONS)
    throw UsageError(
        fmt::format("{}: {} dimensions; an image has 2 to {}", name, array->dimensions, N2S_MAX_DIMENSIONS));
  LentArray result;
  result.data = static_cast<std::byte*>(array->data);
  result.type = sample_type(array->type);
  for (std::size_t i = 0; i < static_cast<std::size_t>(array->dimensions); ++i) {
    if (array->shape[i] < 1) throw UsageError(fmt::format("{}: a length of {}", name, array->shape[i]));
    result.shape.push_back(static_cast<std::size_t>(array->shape[i]));
    result.strides.push_back(static_cast<std::ptrdiff_t>(array->strides[i]));
  }
  if (array->axes != nullptr) result.axes = array->axes;
  if (array->data == nullptr) lend_planes(*array, name, result);
  return result;
}

std::map<std::string, LentArray> in_and_out(const n2s_array* noisy, const n2s_array* restored) {
  std::map<std::string, LentArray> arrays{{"noisy", lent(noisy, "noisy")}, {"restored", lent(restored, "restored")}};
  const auto [low, high] = memory_of(arrays["noisy"]);
  const auto [begin, end] = memory_of(arrays["restored"]);
  if (noisy->data != nullptr && restored->data != nullptr && begin < high && low < end)
    throw UsageError("restored: shares memory with noisy; give it memory of its own");
  return arrays;
}

}  // namespace n2s
