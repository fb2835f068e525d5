// Plain views of NHWC memory. Nothing here owns memory: the engine's buffers do.
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

/// A view of an NHWC tensor; `data == nullptr` means "not there". T is const-qualified for inputs.
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

}  // namespace n2s
