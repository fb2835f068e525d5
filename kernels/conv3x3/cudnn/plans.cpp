// Descriptors and algorithms of cuDNN for each convolution (see plans.h).
#include "kernels/conv3x3/cudnn/plans.h"

#include <fmt/format.h>

#include <array>
#include <span>

#include "kernels/base/error.h"
#include "kernels/device/check.h"

namespace n2s::device {
namespace {

using Proposal = CudnnFunctions::Proposal;

/// A faster algorithm is not worth more memory than this: the scratch memory of a layer would be as large.
constexpr std::size_t kMostWorkspace = std::size_t{512} << 20;

void check_cudnn(int status, const char* what) {
  if (status != 0) throw Error(fmt::format("{}: cuDNN reports {}", what, cudnn().error_text(status)));
}

struct Free {
  void operator()(void* memory) const { cudaFree(memory); }
};

template <typename T>
struct Destroy {
  int (*destroy)(T*) = nullptr;
  void operator()(T* object) const { destroy(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Destroy<T>>;

template <typename T>
Owned<T> make(int (*create)(T**), int (*destroy)(T*)) {
  T* object = nullptr;
  check_cudnn(create(&object), "preparing a convolution");
  return {object, {destroy}};
}

CudnnFunctions::DataType data_type(Precision precision) {
  if (precision == Precision::fp16) return CudnnFunctions::float16;
  return precision == Precision::bf16 ? CudnnFunctions::bfloat16 : CudnnFunctions::float32;
}

/// What the library may multiply with. By default it uses tensor cores for fp32 as well, in tf32.
CudnnFunctions::Math math_of(Precision precision) {
  if (precision == Precision::fp32) return CudnnFunctions::fma_math;
  return precision == Precision::tf32 ? CudnnFunctions::default_math : CudnnFunctions::tensor_op_math;
}

Owned<CudnnFunctions::Tensor> tensor(const CudnnProblem& p, int channels) {
  auto made = make(cudnn().create_tensor, cudnn().destroy_tensor);
  check_cudnn(cudnn().set_tensor(made.get(), CudnnFunctions::nhwc, data_type(p.precision), p.batch, channels, p.height,
                                 p.width),
              "preparing a convolution");
  return made;
}

Owned<CudnnFunctions::Filter> filter(const CudnnProblem& p) {
  auto made = make(cudnn().create_filter, cudnn().destroy_filter);
  check_cudnn(cudnn().set_filter(made.get(), data_type(p.precision), CudnnFunctions::nhwc, p.outputs, p.inputs, 3, 3),
              "preparing a convolution");
  return made;
}

Owned<CudnnFunctions::Convolution> convolution(const CudnnProblem& p) {
  auto made = make(cudnn().create_convolution, cudnn().destroy_convolution);
  check_cudnn(
      cudnn().set_convolution(made.get(), 1, 1, 1, 1, 1, 1, CudnnFunctions::cross_correlation, CudnnFunctions::float32),
      "preparing a convolution");
  check_cudnn(cudnn().set_math(made.get(), math_of(p.precision)), "preparing a convolution");
  return made;
}

}  // namespace

struct CudnnPlans::Plan {
  Owned<CudnnFunctions::Tensor> x, y;
  Owned<CudnnFunctions::Filter> w;
  Owned<CudnnFunctions::Convolution> convolution;
  int algorithm = 0;
  std::size_t workspace = 0;

  Plan(CudnnFunctions::Handle* handle, const CudnnProblem& p)
      : x(tensor(p, p.inputs)), y(tensor(p, p.outputs)), w(filter(p)), convolution(device::convolution(p)) {
    std::array<Proposal, 8> all;
    for (const Proposal& proposal : proposals(handle, p.pass, all))
      if (take(handle, p, proposal)) return;
    throw Error(
        fmt::format("cuDNN has no algorithm that gives the same result twice for a convolution of {} x {}x{} pixels, "
                    "{} to {} channels: use another --variant",
                    p.batch, p.height, p.width, p.inputs, p.outputs));
  }

  /// The algorithms that the library proposes, the fastest first.
  std::span<const Proposal> proposals(CudnnFunctions::Handle* handle, ConvPass pass, std::span<Proposal> all) const {
    const auto wanted = static_cast<int>(all.size());
    int found = 0;
    const auto ask = [&] {
      if (pass == ConvPass::forward)
        return cudnn().forward_proposals(handle, x.get(), w.get(), convolution.get(), y.get(), wanted, &found,
                                         all.data());
      if (pass == ConvPass::data_gradient)
        return cudnn().data_proposals(handle, w.get(), y.get(), convolution.get(), x.get(), wanted, &found, all.data());
      return cudnn().weight_proposals(handle, x.get(), y.get(), convolution.get(), w.get(), wanted, &found, all.data());
    };
    check_cudnn(ask(), "choosing a convolution's algorithm");
    return all.first(static_cast<std::size_t>(found));
  }

  bool take(CudnnFunctions::Handle* handle, const CudnnProblem& p, const Proposal& proposal) {
    if (proposal.status != 0 || proposal.determinism != CudnnFunctions::deterministic) return false;
    // An algorithm belongs to the way of multiplying that it was proposed for; but fp32 stays fp32.
    const auto math = p.precision == Precision::fp32 ? CudnnFunctions::fma_math : proposal.math;
    check_cudnn(cudnn().set_math(convolution.get(), math), "choosing a convolution's algorithm");
    algorithm = proposal.algorithm;
    const auto ask = [&] {
      if (p.pass == ConvPass::forward)
        return cudnn().forward_workspace(handle, x.get(), w.get(), convolution.get(), y.get(), algorithm, &workspace);
      if (p.pass == ConvPass::data_gradient)
        return cudnn().data_workspace(handle, w.get(), y.get(), convolution.get(), x.get(), algorithm, &workspace);
      return cudnn().weight_workspace(handle, x.get(), y.get(), convolution.get(), w.get(), algorithm, &workspace);
    };
    return ask() == 0 && workspace <= kMostWorkspace;
  }
};

CudnnPlans::CudnnPlans() {
  CudnnFunctions::Handle* handle = nullptr;
  check_cudnn(cudnn().create(&handle), "starting cuDNN");
  handle_.reset(handle);
}
CudnnPlans::~CudnnPlans() = default;

const CudnnPlans::Plan& CudnnPlans::plan(const CudnnProblem& problem) {
  const auto known = plans_.find(problem);
  if (known != plans_.end()) return *known->second;
  return *plans_.emplace(problem, std::make_unique<const Plan>(handle_.get(), problem)).first->second;
}

std::size_t CudnnPlans::workspace_bytes(const CudnnProblem& problem) {
  return plan(problem).workspace;
}

void CudnnPlans::run(const CudnnProblem& problem, const CudnnOperands& o, void* workspace, cudaStream_t stream) {
  const Plan& p = plan(problem);
  if (!has_stream_ || stream_ != stream) {
    check_cudnn(cudnn().set_stream(handle_.get(), stream), "convolution");
    stream_ = stream;
    has_stream_ = true;
  }
  ran_.insert(problem);
  const float one = 1;
  const float zero = 0;
  if (problem.pass == ConvPass::forward)
    return check_cudnn(cudnn().forward(handle_.get(), &one, p.x.get(), o.x, p.w.get(), o.w, p.convolution.get(),
                                       p.algorithm, workspace, p.workspace, &zero, p.y.get(), o.y),
                       "convolution");
  if (problem.pass == ConvPass::data_gradient)
    return check_cudnn(cudnn().data_gradient(handle_.get(), &one, p.w.get(), o.w, p.y.get(), o.y, p.convolution.get(),
                                             p.algorithm, workspace, p.workspace, &zero, p.x.get(), o.x),
                       "data gradient");
  check_cudnn(cudnn().weight_gradient(handle_.get(), &one, p.x.get(), o.x, p.y.get(), o.y, p.convolution.get(),
                                      p.algorithm, workspace, p.workspace, &zero, p.w.get(), o.w),
              "weight gradient");
}

void CudnnPlans::warm_up(cudaStream_t stream) {
  constexpr const char* kWhat = "preparing convolutions";
  for (const auto& [problem, made] : plans_) {
    if (ran_.count(problem) > 0) continue;
    const auto bytes = [precision = problem.precision](std::size_t elements) {
      return (elements * element_bytes(precision) + 255) / 256 * 256;
    };
    const Shape image{problem.batch, problem.height, problem.width, problem.inputs};
    const Shape result{problem.batch, problem.height, problem.width, problem.outputs};
    const std::size_t x = bytes(elements_of(image));
    const std::size_t y = bytes(elements_of(result));
    const std::size_t w = bytes(static_cast<std::size_t>(9) * static_cast<std::size_t>(problem.inputs) *
                                static_cast<std::size_t>(problem.outputs));
    void* data = nullptr;
    check(cudaMalloc(&data, x + y + w + made->workspace), kWhat);
    const std::unique_ptr<void, Free> memory(data);
    auto* at = static_cast<std::byte*>(data);
    check(cudaMemsetAsync(data, 0, x + y + w, stream), kWhat);
    run(problem, {at, at + x + y, at + x}, at + x + y + w, stream);
    check(cudaStreamSynchronize(stream), kWhat);
  }
}

}  // namespace n2s::device
