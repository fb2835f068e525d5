// Device and pinned memory of the host interface. Each allocation is a heap block of its own, so that AddressSanitizer
// sees every access outside.
#include <algorithm>
#include <cstring>
#include <new>

#include "tests/emulation/runtime.h"
#include "tests/emulation/sanitizer.h"

using n2s::emulation::Allocation;
using n2s::emulation::api_call;
using n2s::emulation::CallKind;
using n2s::emulation::Runtime;

namespace {

constexpr std::align_val_t kAlignment{n2s::emulation::kMemoryAlignment};

cudaError_t allocate(Runtime& runtime, void** pointer, std::size_t bytes, bool on_device) {
  if (pointer == nullptr) return cudaErrorInvalidValue;
  *pointer = nullptr;
  const cudaError_t refused = runtime.refuse_in_capture();
  if (refused != cudaSuccess) return refused;
  if (bytes == 0) return cudaSuccess;
  if (on_device && bytes > runtime.device.memory - std::min(runtime.device.memory, runtime.allocated))
    return cudaErrorMemoryAllocation;
  auto* memory = static_cast<std::byte*>(::operator new(bytes, kAlignment, std::nothrow));
  if (memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(memory, 0xFF, bytes);  // NaN: a read before any write shows in the results
  runtime.allocations.emplace(memory, Allocation{bytes, on_device});
  if (on_device) {
    n2s::emulation::forbid(memory, bytes);  // until work runs
    runtime.allocated += bytes;
    runtime.peak = std::max(runtime.peak, runtime.allocated);
  }
  *pointer = memory;
  return cudaSuccess;
}

cudaError_t release(Runtime& runtime, void* pointer, bool on_device) {
  if (pointer == nullptr) return cudaSuccess;
  const cudaError_t refused = runtime.refuse_in_capture();
  if (refused != cudaSuccess) return refused;
  const auto found = runtime.allocations.find(static_cast<std::byte*>(pointer));
  if (found == runtime.allocations.end() || found->second.on_device != on_device) return cudaErrorInvalidValue;
  runtime.reach_all();  // as CUDA does
  n2s::emulation::allow(pointer, found->second.bytes);
  if (on_device) runtime.allocated -= found->second.bytes;
  ::operator delete(pointer, kAlignment);
  runtime.allocations.erase(found);
  return cudaSuccess;
}

/// A rectangle of bytes: rows of `width`, `pitch` apart.
struct Area {
  const void* begin;
  std::size_t pitch, width, height;

  std::size_t bytes() const { return width == 0 || height == 0 ? 0 : pitch * (height - 1) + width; }
};

/// Whether the whole area lies in one device allocation; with `device` false: whether it begins in none.
bool lies_in(const Runtime& runtime, const Area& area, bool device) {
  if (area.bytes() == 0) return true;
  auto* begin = static_cast<std::byte*>(const_cast<void*>(area.begin));
  auto next = runtime.allocations.upper_bound(begin);
  if (next == runtime.allocations.begin()) return !device;
  const auto& [start, allocation] = *--next;
  const auto offset = static_cast<std::size_t>(begin - start);
  if (offset >= allocation.bytes || !allocation.on_device) return !device;
  return device && area.bytes() <= allocation.bytes - offset;
}

cudaError_t check_copy(const Runtime& runtime, const Area& to, const Area& from, cudaMemcpyKind kind) {
  if (to.width > to.pitch || from.width > from.pitch) return cudaErrorInvalidPitchValue;
  if (kind == cudaMemcpyDefault) return cudaSuccess;
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  return lies_in(runtime, from, from_device) && lies_in(runtime, to, to_device) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t copy(Runtime& runtime, const Area& to, const Area& from, cudaMemcpyKind kind, cudaStream_t stream) {
  const cudaError_t result = check_copy(runtime, to, from, kind);
  if (result != cudaSuccess || from.bytes() == 0) return result;
  return runtime.submit(stream, [to, from] {
    auto* out = static_cast<std::byte*>(const_cast<void*>(to.begin));
    const auto* in = static_cast<const std::byte*>(from.begin);
    for (std::size_t row = 0; row < from.height; ++row)
      std::memcpy(out + row * to.pitch, in + row * from.pitch, from.width);
  });
}

cudaError_t fill(Runtime& runtime, void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (!lies_in(runtime, {to, bytes, bytes, 1}, true)) return cudaErrorInvalidValue;
  if (bytes == 0) return cudaSuccess;
  return runtime.submit(stream, [to, value, bytes] { std::memset(to, value, bytes); });
}

}  // namespace

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return api_call([&](const Runtime& runtime) {
    *total = runtime.device.memory;
    *free = *total - std::min(*total, runtime.allocated);
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return api_call([&](Runtime& runtime) { return allocate(runtime, pointer, bytes, true); });
}

cudaError_t cudaFree(void* pointer) {
  return api_call([&](Runtime& runtime) { return release(runtime, pointer, true); }, CallKind::release);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned /*flags*/) {
  return api_call([&](Runtime& runtime) { return allocate(runtime, pointer, bytes, false); });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes, unsigned flags) {
  return cudaHostAlloc(pointer, bytes, flags);
}

cudaError_t cudaFreeHost(void* pointer) {
  return api_call([&](Runtime& runtime) { return release(runtime, pointer, false); }, CallKind::release);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
  return api_call([&](Runtime& runtime) {
    return copy(runtime, {to, to_pitch, width, height}, {from, from_pitch, width, height}, kind, stream);
  });
}

cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                         std::size_t height, cudaMemcpyKind kind) {
  return api_call([&](Runtime& runtime) {
    cudaError_t result = runtime.refuse_in_capture();
    if (result != cudaSuccess) return result;
    result = copy(runtime, {to, to_pitch, width, height}, {from, from_pitch, width, height}, kind, nullptr);
    if (result == cudaSuccess) runtime.reach_end(runtime.legacy);
    return result;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpy2D(to, bytes, from, bytes, bytes, 1, kind);
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return api_call([&](Runtime& runtime) { return fill(runtime, to, value, bytes, stream); });
}

cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return cudaMemsetAsync(to, value, bytes, nullptr);
}
