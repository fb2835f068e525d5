// cuBLASLt on the emulated device: products in plain loops, queued in streams as the library's are, and as careless
// with its workspace.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstring>
#include <deque>
#include <memory>

#include "kernels/conv3x3/cublas/library.h"
#include "kernels/device/warp_matrix.h"
#include "tests/cuda/emulated_library.h"

namespace n2s::device {

namespace {

using Functions = CublasFunctions;

constexpr int kBadValue = 7;
constexpr int kNotSupported = 15;
constexpr int kFailed = 13;
constexpr std::size_t kWorkspaceBytes = 1000;

struct Shape {
  Functions::DataType type = Functions::float32;
  std::size_t rows = 0, columns = 0, pitch = 0;
};

/// A product that is in a stream.
struct Call {
  Functions::Compute compute{};
  Functions::Operation left_operation{}, right_operation{};
  const void* left = nullptr;
  const void* right = nullptr;
  void* result = nullptr;
  Shape left_shape, right_shape, result_shape;
  float addend = 0;
  void* workspace = nullptr;
};

float element(const Shape& shape, const void* from, std::size_t row, std::size_t column) {
  const std::size_t i = column * shape.pitch + row;
  if (shape.type == Functions::float16) return __half2float(static_cast<const __half*>(from)[i]);
  if (shape.type == Functions::bfloat16) return __bfloat162float(static_cast<const __nv_bfloat16*>(from)[i]);
  return static_cast<const float*>(from)[i];
}

void store(const Shape& shape, void* to, std::size_t row, std::size_t column, float value) {
  const std::size_t i = column * shape.pitch + row;
  if (shape.type == Functions::float16)
    static_cast<__half*>(to)[i] = __float2half_rn(value);
  else if (shape.type == Functions::bfloat16)
    static_cast<__nv_bfloat16*>(to)[i] = __float2bfloat16_rn(value);
  else
    static_cast<float*>(to)[i] = value;
}

void run(void* data) {
  const Call& c = *static_cast<const Call*>(data);
  std::memset(c.workspace, 0xFF, kWorkspaceBytes);
  const bool turn_left = c.left_operation == Functions::transposed;
  const bool turn_right = c.right_operation == Functions::transposed;
  const std::size_t depth = turn_left ? c.left_shape.rows : c.left_shape.columns;
  const bool rounds = c.compute == Functions::compute_tf32;
  for (std::size_t column = 0; column < c.result_shape.columns; ++column)
    for (std::size_t row = 0; row < c.result_shape.rows; ++row) {
      double sum = 0;
      for (std::size_t k = 0; k < depth; ++k) {
        const float left = element(c.left_shape, c.left, turn_left ? k : row, turn_left ? row : k);
        const float right = element(c.right_shape, c.right, turn_right ? column : k, turn_right ? k : column);
        sum += rounds ? double{round_to_tf32(left)} * round_to_tf32(right) : double{left} * right;
      }
      if (c.addend != 0) sum += double{c.addend} * element(c.result_shape, c.result, row, column);
      store(c.result_shape, c.result, row, column, static_cast<float>(sum));
    }
}

template <typename T, typename... Values>
int create(T** object, const Values&... values) {
  auto made = std::make_unique<T>();
  if (!made->life.alive()) return kFailed;
  made->set(values...);
  *object = made.release();
  return 0;
}

template <typename T>
int destroy(T* object) {
  delete object;
  return 0;
}

}  // namespace

struct CublasFunctions::Handle {
  LibraryObject life;
  std::deque<Call> queued;  // stays: a graph may run it again
  void set() {}
};
struct CublasFunctions::Product {
  LibraryObject life;
  Compute compute{};
  Operation left{}, right{};
  void set(Compute how) { compute = how; }
};
struct CublasFunctions::Matrix {
  LibraryObject life;
  Shape shape;
  void set(DataType type, std::uint64_t rows, std::uint64_t columns, std::int64_t pitch) {
    shape = {type, rows, columns, static_cast<std::size_t>(pitch)};
  }
};
struct CublasFunctions::Preference {
  LibraryObject life;
  std::size_t most_workspace = 0;
  void set() {}
};

namespace {

/// Whether inner and outer sizes agree.
bool fits(const Functions::Product* product, const Shape& left, const Shape& right, const Shape& result) {
  const bool turn_left = product->left == Functions::transposed;
  const bool turn_right = product->right == Functions::transposed;
  return (turn_left ? left.rows : left.columns) == (turn_right ? right.columns : right.rows) &&
         result.rows == (turn_left ? left.columns : left.rows) &&
         result.columns == (turn_right ? right.rows : right.columns) && left.type == right.type;
}

int set_product(Functions::Product* product, Functions::Attribute attribute, const void* value, std::size_t bytes) {
  return counted(kFailed, [&] {
    if (bytes != sizeof(Functions::Operation)) return kBadValue;
    const auto operation = *static_cast<const Functions::Operation*>(value);
    (attribute == Functions::left_operation ? product->left : product->right) = operation;
    return 0;
  });
}

int set_preference(Functions::Preference* preference, Functions::Limit limit, const void* value, std::size_t bytes) {
  return counted(kFailed, [&] {
    if (limit != Functions::most_workspace_bytes || bytes != sizeof(std::size_t)) return kBadValue;
    preference->most_workspace = *static_cast<const std::size_t*>(value);
    return 0;
  });
}

int proposals(Functions::Handle*, Functions::Product* product, Functions::Matrix* left, Functions::Matrix* right,
              Functions::Matrix* addend, Functions::Matrix* result, Functions::Preference* preference, int wanted,
              Functions::Proposal* to, int* found) {
  return counted(kFailed, [&] {
    if (wanted < 1 || addend != result || preference->most_workspace < kWorkspaceBytes) return kBadValue;
    if (!fits(product, left->shape, right->shape, result->shape)) return kNotSupported;
    to[0].workspace_bytes = kWorkspaceBytes;
    to[0].algorithm.data[0] = 42;
    *found = 1;
    return 0;
  });
}

int multiply(Functions::Handle* handle, Functions::Product* product, const void* alpha, const void* left,
             Functions::Matrix* left_matrix, const void* right, Functions::Matrix* right_matrix, const void* beta,
             const void* addend, Functions::Matrix*, void* result, Functions::Matrix* result_matrix,
             const Functions::Algorithm* algorithm, void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  const bool good = fits(product, left_matrix->shape, right_matrix->shape, result_matrix->shape) &&
                    *static_cast<const float*>(alpha) == 1 && addend == result && algorithm->data[0] == 42 &&
                    workspace != nullptr && workspace_bytes == kWorkspaceBytes;
  if (!good) return kBadValue;
  handle->queued.push_back({product->compute, product->left, product->right, left, right, result, left_matrix->shape,
                            right_matrix->shape, result_matrix->shape, *static_cast<const float*>(beta), workspace});
  return cudaLaunchHostFunc(stream, run, &handle->queued.back()) == cudaSuccess ? 0 : kFailed;
}

}  // namespace

CublasFunctions emulated_cublas() {
  CublasFunctions f;
  f.error_text = [](int) { return "an emulated error"; };
  f.create = [](Functions::Handle** handle) { return create(handle); };
  f.destroy = destroy<Functions::Handle>;
  f.create_product = [](Functions::Product** product, Functions::Compute compute, Functions::DataType) {
    return create(product, compute);
  };
  f.destroy_product = destroy<Functions::Product>;
  f.set_product = set_product;
  f.create_matrix = [](Functions::Matrix** matrix, Functions::DataType type, std::uint64_t rows, std::uint64_t columns,
                       std::int64_t pitch) { return create(matrix, type, rows, columns, pitch); };
  f.destroy_matrix = destroy<Functions::Matrix>;
  f.create_preference = [](Functions::Preference** preference) { return create(preference); };
  f.destroy_preference = destroy<Functions::Preference>;
  f.set_preference = set_preference;
  f.proposals = proposals;
  f.multiply = multiply;
  return f;
}

}  // namespace n2s::device
