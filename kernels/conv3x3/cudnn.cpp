#include "kernels/conv3x3/cudnn.h"

#include "kernels/base/error.h"
#include "kernels/conv3x3/cudnn_around.h"
#include "kernels/conv3x3/cudnn_plans.h"

namespace n2s::device {
namespace {

using Pass = CudnnProblem::Pass;

CudnnPlans& plans_of(const ConvMode& mode) {
  if (mode.cudnn == nullptr) throw Error("convolution: the cudnn variant needs plans");
  return *mode.cudnn;
}

CudnnProblem problem_of(Pass pass, const Conv3x3Layer& l, const ConvMode& mode) {
  return {pass, mode.precision, l.batch, l.height, l.width, around::joint_channels(l), padded_channels(l.out_channels)};
}

Shape pixels_of(const Conv3x3Layer& l) {
  return {l.batch, l.height, l.width, l.out_channels};
}

/// Pieces of scratch memory, one after the other. Without memory it only counts.
class Pieces {
 public:
  explicit Pieces(void* memory) : memory_(static_cast<std::byte*>(memory)) {}
  void* take(std::size_t bytes) {
    constexpr std::size_t kAlignment = 256;
    void* piece = memory_ != nullptr ? memory_ + bytes_ : nullptr;
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return piece;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* memory_;
  std::size_t bytes_ = 0;
};

/// What a pass needs beside its operands. Whether there is a dense output, or a pooled gradient, is not known when
/// memory is planned: there is room for both cases.
struct Scratch {
  void* source = nullptr;    // upsampled and concatenated
  void* upstream = nullptr;  // dense plus pooled
  void* result = nullptr;    // what cuDNN writes
  void* bias = nullptr;
  void* workspace = nullptr;
  std::size_t bytes = 0;

  Scratch(Pass pass, const Conv3x3Layer& l, const ConvMode& mode, void* memory) {
    const std::size_t element = element_bytes(mode.precision);
    const std::size_t joint = element * elements_of({l.batch, l.height, l.width, around::joint_channels(l)});
    const std::size_t out = element * elements_of(pixels_of(l));
    Pieces pieces(memory);
    if (pass != Pass::data_gradient && l.low_channels > 0) source = pieces.take(joint);
    if (pass != Pass::forward && l.height % 2 == 0 && l.width % 2 == 0) upstream = pieces.take(out);
    result = pieces.take(pass == Pass::forward         ? out
                         : pass == Pass::data_gradient ? joint
                                                       : element * around::weight_elements(l));
    if (pass == Pass::weight_gradient) bias = pieces.take(around::bias_scratch_bytes(l));
    workspace = pieces.take(plans_of(mode).workspace_bytes(problem_of(pass, l, mode)));
    bytes = pieces.bytes();
  }
};

std::size_t scratch_bytes(Pass pass, const Conv3x3Layer& l, const ConvMode& mode) {
  return Scratch(pass, l, mode, nullptr).bytes;
}

/// The source as cuDNN can read it.
void* whole_source(const DeviceConvSource& source, Precision precision, void* scratch, cudaStream_t stream) {
  if (!source.low) return source.skip.data;
  around::join_source(source, precision, scratch, stream);
  return scratch;
}

void* whole_upstream(const DeviceConvUpstream& upstream, Precision precision, void* scratch, cudaStream_t stream) {
  if (!upstream.pooled) return upstream.dense.data;
  around::join_upstream(upstream, precision, scratch, stream);
  return scratch;
}

void* writable(const void* data) {
  return const_cast<void*>(data);  // NOLINT(cppcoreguidelines-pro-type-const-cast): operands that are only read
}

}  // namespace

std::size_t cudnn_packed_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  return around::weight_elements(l) * element_bytes(mode.precision);
}
std::size_t cudnn_forward_scratch_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  return scratch_bytes(Pass::forward, l, mode);
}
std::size_t cudnn_data_gradient_scratch_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  return scratch_bytes(Pass::data_gradient, l, mode);
}
std::size_t cudnn_weight_gradient_scratch_bytes(const Conv3x3Layer& l, const ConvMode& mode) {
  return scratch_bytes(Pass::weight_gradient, l, mode);
}

void cudnn_pack(const Conv3x3Layer& l, const ConvMode& mode, const float* weight, void* packed, cudaStream_t stream) {
  around::pack_weights(l, mode.precision, weight, packed, stream);
}

void cudnn_forward(const DeviceConvForward& p, const Conv3x3Layer& l, const ConvMode& mode, cudaStream_t stream) {
  const Scratch scratch(Pass::forward, l, mode, p.scratch);
  CudnnOperands operands;
  operands.x = whole_source(p.source, mode.precision, scratch.source, stream);
  operands.w = writable(p.packed);
  operands.y = p.out ? p.out.data : scratch.result;
  plans_of(mode).run(problem_of(Pass::forward, l, mode), operands, scratch.workspace, stream);
  around::finish(p, pixels_of(l), mode.precision, operands.y, stream);
}

void cudnn_data_gradient(const DeviceConvDataGradient& p, const Conv3x3Layer& l, const ConvMode& mode,
                         cudaStream_t stream) {
  const Scratch scratch(Pass::data_gradient, l, mode, p.scratch);
  const bool bare = l.low_channels == 0 && !p.skip.activated && !p.skip.accumulate;
  CudnnOperands operands;
  operands.y = whole_upstream(p.upstream, mode.precision, scratch.upstream, stream);
  operands.w = writable(p.packed);
  operands.x = bare ? p.skip.gradient.data : scratch.result;
  plans_of(mode).run(problem_of(Pass::data_gradient, l, mode), operands, scratch.workspace, stream);
  if (!bare) around::split_gradient(p, pixels_of(l), mode.precision, operands.x, stream);
}

void cudnn_weight_gradient(const DeviceConvWeightGradient& p, const Conv3x3Layer& l, const ConvMode& mode, void* memory,
                           cudaStream_t stream) {
  const Scratch scratch(Pass::weight_gradient, l, mode, memory);
  CudnnOperands operands;
  operands.x = whole_source(p.source, mode.precision, scratch.source, stream);
  operands.y = whole_upstream(p.upstream, mode.precision, scratch.upstream, stream);
  operands.w = scratch.result;
  plans_of(mode).run(problem_of(Pass::weight_gradient, l, mode), operands, scratch.workspace, stream);
  around::unpack_weights(l, mode.precision, operands.w, p.weight_gradient, stream);
  if (p.bias_gradient != nullptr)
    around::bias_gradient({operands.y, pixels_of(l)}, mode.precision, static_cast<float*>(scratch.bias),
                          p.bias_gradient, stream);
}

}  // namespace n2s::device
