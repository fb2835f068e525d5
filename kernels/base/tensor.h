// Views of NHWC tensors: Tensor<T> where the element type is known when compiling, AnyTensor where it is known at run
// time. Nothing here owns memory: the engine's buffers do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace n2s {

/// Extents of an image batch. Memory order is batch, height, width, channels (channels fastest), without gaps.
struct Shape {
  int batch = 0;     // images
  int height = 0;    // pixels
  int width = 0;     // pixels
  int channels = 0;  // values per pixel

  std::ptrdiff_t pixels() const { return std::ptrdiff_t{batch} * height * width; }
  std::ptrdiff_t elements() const { return pixels() * channels; }
  bool operator==(const Shape&) const = default;
};

/// A view of an NHWC tensor without padding; `data == nullptr` means "not there". T is const-qualified for inputs.
template <typename T>
struct Tensor {
  T* data = nullptr;
  Shape shape;

  explicit operator bool() const { return data != nullptr; }
  T* pixel(int n, int y, int x) const {
    return data + ((std::ptrdiff_t{n} * shape.height + y) * shape.width + x) * shape.channels;
  }
  operator Tensor<const T>() const  // NOLINT: a view of mutable data is also a read-only view
      requires(!std::is_const_v<T>) {
    return {data, shape};
  }
};

using FloatTensor = Tensor<float>;
using ConstFloatTensor = Tensor<const float>;

/// What a tensor's values are in memory.
enum class Element : std::uint8_t {
  fp32,
  fp64,
  fp16,
  bf16,
  index8,  // position in a 2x2 window, 2 * dy + dx, a byte each
  index2,  // the same in two bits each: a 16-bit word for eight channels, the first in the lowest bits
};

template <typename T>
struct ElementOf;
template <>
struct ElementOf<float> {
  static constexpr Element kElement = Element::fp32;
};
template <>
struct ElementOf<double> {
  static constexpr Element kElement = Element::fp64;
};
template <>
struct ElementOf<std::uint8_t> {
  static constexpr Element kElement = Element::index8;
};

/// A type of the host that tensors can have.
template <typename T>
concept HostElement = requires {
  ElementOf<std::remove_const_t<T>>::kElement;
};

/// A view of a tensor on any device. Void is void, or const void for inputs; null data: no tensor. On a GPU the
/// channels of a pixel are padded in memory (`stored_channels`).
template <typename Void>
struct AnyTensor {
  Void* data = nullptr;
  Shape shape;
  Element element = Element::fp32;
  int stored_channels = 0;  // per pixel, padding included

  AnyTensor() = default;
  AnyTensor(Void* where, const Shape& extents, Element type, int stored)
      : data(where), shape(extents), element(type), stored_channels(stored) {}
  template <HostElement T>
  AnyTensor(T* where, const Shape& extents)
      : AnyTensor(where, extents, ElementOf<std::remove_const_t<T>>::kElement, extents.channels) {}
  template <HostElement T>
  AnyTensor(const Tensor<T>& tensor)  // NOLINT(google-explicit-constructor): the same view, its type as a value
      : AnyTensor(tensor.data, tensor.shape) {}
  operator AnyTensor<const void>() const  // NOLINT: a view of mutable data is also a read-only view
      requires(!std::is_const_v<Void>) {
    return {data, shape, element, stored_channels};
  }

  explicit operator bool() const { return data != nullptr; }

  /// The view for kernels of the host, which know the type and have no padding. The type is not checked here.
  template <HostElement T>
  auto as() const {
    using Result = std::conditional_t<std::is_const_v<Void>, const T, T>;
    return Tensor<Result>{static_cast<Result*>(data), shape};
  }
};

using TensorView = AnyTensor<void>;
using ConstTensorView = AnyTensor<const void>;

/// A pointer to parameters or to their gradients whose type is known at run time.
template <typename Void>
struct AnyPointer {
  Void* data = nullptr;
  Element element = Element::fp32;

  AnyPointer() = default;
  AnyPointer(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as pointers
  template <HostElement T>
  AnyPointer(T* where)  // NOLINT(google-explicit-constructor): the same pointer, its type as a value
      : data(where), element(ElementOf<std::remove_const_t<T>>::kElement) {}
  AnyPointer(Void* where, Element type) : data(where), element(type) {}
  operator AnyPointer<const void>() const  // NOLINT: mutable data can be read, too
      requires(!std::is_const_v<Void>) {
    return {data, element};
  }

  explicit operator bool() const { return data != nullptr; }
  template <HostElement T>
  auto as() const {
    using Result = std::conditional_t<std::is_const_v<Void>, const T, T>;
    return static_cast<Result*>(data);
  }
};

using TypedPointer = AnyPointer<void>;
using ConstTypedPointer = AnyPointer<const void>;

}  // namespace n2s
