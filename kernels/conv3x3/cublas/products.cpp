// Descriptors and algorithms of cuBLASLt for each product (see products.h). Its matrices are column by column: a matrix
// that lies row by row is its transpose there.
#include "kernels/conv3x3/cublas/products.h"

#include <fmt/format.h>

#include "kernels/base/error.h"

namespace n2s::device {
namespace {

using Functions = CublasFunctions;

constexpr std::size_t kMostWorkspace = std::size_t{64} << 20;

void check_cublas(int status, const char* what) {
  if (status != 0) throw Error(fmt::format("{}: cuBLASLt reports {}", what, cublas().error_text(status)));
}

template <typename T>
struct Destroy {
  int (*destroy)(T*) = nullptr;
  void operator()(T* object) const { destroy(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroy<T>>;

Functions::DataType data_type(Precision precision) {
  if (precision == Precision::fp16) return Functions::float16;
  return precision == Precision::bf16 ? Functions::bfloat16 : Functions::float32;
}

Owned<Functions::Matrix> matrix(Functions::DataType type, std::int64_t rows, std::int64_t columns) {
  Functions::Matrix* made = nullptr;
  check_cublas(
      cublas().create_matrix(&made, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns), rows),
      "preparing a convolution");
  return {made, {cublas().destroy_matrix}};
}

Owned<Functions::Product> product_of(const PatchProduct& p) {
  const auto compute = p.precision == Precision::tf32 ? Functions::compute_tf32 : Functions::compute_float32;
  Functions::Product* made = nullptr;
  check_cublas(cublas().create_product(&made, compute, Functions::float32), "preparing a convolution");
  Owned<Functions::Product> product(made, {cublas().destroy_product});
  const Functions::Operation operation = Functions::transposed;
  const auto side = p.is_weight_gradient ? Functions::right_operation : Functions::left_operation;
  check_cublas(cublas().set_product(made, side, &operation, sizeof operation), "preparing a convolution");
  return product;
}

Owned<Functions::Preference> preference() {
  Functions::Preference* made = nullptr;
  check_cublas(cublas().create_preference(&made), "preparing a convolution");
  Owned<Functions::Preference> owned(made, {cublas().destroy_preference});
  check_cublas(cublas().set_preference(made, Functions::most_workspace_bytes, &kMostWorkspace, sizeof kMostWorkspace),
               "preparing a convolution");
  return owned;
}

}  // namespace

struct CublasProducts::Plan {
  Owned<Functions::Product> product;
  Owned<Functions::Matrix> patches, other, result;
  Functions::Proposal chosen;

  Plan(Functions::Handle* handle, const PatchProduct& p)
      : product(product_of(p)),
        patches(matrix(data_type(p.precision), p.depth, p.pixels)),
        other(p.is_weight_gradient ? matrix(data_type(p.precision), p.outputs, p.pixels)
                                   : matrix(data_type(p.precision), p.depth, p.outputs)),
        result(p.is_weight_gradient ? matrix(Functions::float32, p.depth, p.outputs)
                                    : matrix(data_type(p.precision), p.outputs, p.pixels)) {
    const Owned<Functions::Preference> limits = preference();
    int found = 0;
    const int status = cublas().proposals(handle, product.get(), left(p), right(p), result.get(), result.get(),
                                          limits.get(), 1, &chosen, &found);
    check_cublas(status, "choosing an algorithm for a convolution");
    if (found == 0)
      throw Error(
          fmt::format("cuBLASLt has no algorithm for a product of {} x {} with {} x {} in {}: use another "
                      "--variant",
                      p.pixels, p.depth, p.depth, p.outputs, name_of(p.precision)));
  }
  Functions::Matrix* left(const PatchProduct& p) const { return p.is_weight_gradient ? patches.get() : other.get(); }
  Functions::Matrix* right(const PatchProduct& p) const { return p.is_weight_gradient ? other.get() : patches.get(); }
};

CublasProducts::CublasProducts() {
  Functions::Handle* handle = nullptr;
  check_cublas(cublas().create(&handle), "starting cuBLASLt");
  handle_.reset(handle);
}
CublasProducts::~CublasProducts() = default;

const CublasProducts::Plan& CublasProducts::plan(const PatchProduct& product) {
  const auto known = plans_.find(product);
  if (known != plans_.end()) return *known->second;
  return *plans_.emplace(product, std::make_unique<const Plan>(handle_.get(), product)).first->second;
}

std::size_t CublasProducts::workspace_bytes(const PatchProduct& product) {
  return plan(product).chosen.workspace_bytes;
}

void CublasProducts::run(const PatchProduct& product, const PatchOperands& o, void* workspace, cudaStream_t stream) {
  const Plan& p = plan(product);
  const float one = 1;
  const float addend = o.adds ? 1 : 0;
  const void* left = product.is_weight_gradient ? o.patches : o.other;
  const void* right = product.is_weight_gradient ? o.other : o.patches;
  check_cublas(cublas().multiply(handle_.get(), p.product.get(), &one, left, p.left(product), right, p.right(product),
                                 &addend, o.result, p.result.get(), o.result, p.result.get(), &p.chosen.algorithm,
                                 workspace, p.chosen.workspace_bytes, stream),
               "convolution");
}

}  // namespace n2s::device
