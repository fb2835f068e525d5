// The cudnn variant: divides scratch memory, and calls the library between the unfused kernels.
#include "kernels/base/error.h"
#include "kernels/conv3x3/cuda/variants.h"
#include "kernels/conv3x3/cudnn/plans.h"
#include "kernels/conv3x3/unfused/operands.h"
#include "kernels/conv3x3/unfused/unfused.h"

namespace n2s::device {
namespace {

CudnnPlans& plans_of(const ConvMode& mode) {
  if (mode.cudnn == nullptr) throw Error("conv3x3: the cudnn variant needs plans");
  return *mode.cudnn;
}

CudnnProblem problem_of(ConvPass pass, const Conv3x3Layer& l, const ConvMode& mode) {
  return {
      pass, mode.precision, l.batch, l.height, l.width, unfused::joint_channels(l), padded_channels(l.out_channels)};
}

/// What a pass needs beside its operands. Whether there is a dense output, or a pooled gradient, is not known when
/// memory is planned: there is room for both cases.
struct Scratch {
  void* source = nullptr;           // upsampled and concatenated
  void* output_gradient = nullptr;  // dense plus pooled
  void* result = nullptr;           // what cuDNN writes
  void* bias = nullptr;
  void* workspace = nullptr;
  std::size_t bytes = 0;

  Scratch(ConvPass pass, const Conv3x3Layer& l, const ConvMode& mode, std::byte* memory) {
    const std::size_t element = element_bytes(mode.precision);
    const std::size_t joint = element * elements_of({l.batch, l.height, l.width, unfused::joint_channels(l)});
    const std::size_t out = element * elements_of({l.batch, l.height, l.width, l.out_channels});
    unfused::Regions regions(memory);
    if (pass != ConvPass::data_gradient && l.low_channels > 0) source = regions.take(joint);
    if (pass != ConvPass::forward && l.height % 2 == 0 && l.width % 2 == 0) output_gradient = regions.take(out);
    result = regions.take(pass == ConvPass::forward         ? out
                          : pass == ConvPass::data_gradient ? joint
                                                            : element * unfused::weight_elements(l));
    if (pass == ConvPass::weight_gradient) bias = regions.take(unfused::bias_scratch_bytes(l));
    workspace = regions.take(plans_of(mode).workspace_bytes(problem_of(pass, l, mode)));
    bytes = regions.bytes();
  }
};

/// Packed weights serve the forward pass and the data gradient alike. Asks the library for its algorithms, once.
ConvBytes cudnn_bytes(const Conv3x3Layer& l, ConvPass pass, const ConvMode& mode) {
  const bool has_weights = pass != ConvPass::weight_gradient;
  return {has_weights ? unfused::weight_elements(l) * element_bytes(mode.precision) : 0,
          Scratch(pass, l, mode, nullptr).bytes};
}

void cudnn_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream) {
  for (const ConvPacking& p : packings)
    unfused::pack_weights(p.layer, mode.precision, p.weight, p.packed.data(), stream);
}

void cudnn_forward(const Conv3x3Forward& p, const Conv3x3Layer& l, const ConvMode& mode, cudaStream_t stream) {
  const Scratch scratch(ConvPass::forward, l, mode, p.scratch.data());
  CudnnOperands operands;
  operands.x = unfused::whole_source(p.source, l, mode.precision, scratch.source, stream);
  operands.w = unfused::writable(p.packed.data());
  operands.y = p.out ? p.out.data : scratch.result;
  plans_of(mode).run(problem_of(ConvPass::forward, l, mode), operands, scratch.workspace, stream);
  unfused::finish_outputs(p, l, mode.precision, operands.y, stream);
}

void cudnn_data_gradient(const Conv3x3DataGradient& p, const Conv3x3Layer& l, const ConvMode& mode,
                         cudaStream_t stream) {
  const Scratch scratch(ConvPass::data_gradient, l, mode, p.scratch.data());
  const bool bare = l.low_channels == 0 && !p.skip.activated && !p.skip.accumulate;
  CudnnOperands operands;
  operands.y = unfused::whole_output_gradient(p.output_gradient, l, mode.precision, scratch.output_gradient, stream);
  operands.w = unfused::writable(p.packed.data());
  operands.x = bare ? p.skip.gradient.data : scratch.result;
  plans_of(mode).run(problem_of(ConvPass::data_gradient, l, mode), operands, scratch.workspace, stream);
  if (!bare) unfused::split_gradient(p, l, mode.precision, operands.x, stream);
}

void cudnn_weight_gradient(const Conv3x3WeightGradient& p, const Conv3x3Layer& l, const ConvMode& mode,
                           cudaStream_t stream) {
  const Scratch scratch(ConvPass::weight_gradient, l, mode, p.scratch.data());
  CudnnOperands operands;
  operands.x = unfused::whole_source(p.source, l, mode.precision, scratch.source, stream);
  operands.y = unfused::whole_output_gradient(p.output_gradient, l, mode.precision, scratch.output_gradient, stream);
  operands.w = scratch.result;
  plans_of(mode).run(problem_of(ConvPass::weight_gradient, l, mode), operands, scratch.workspace, stream);
  unfused::unpack_weights(l, mode.precision, operands.w, p.weight_gradient.as<float>(), stream);
  if (p.bias_gradient)
    unfused::bias_gradient(operands.y, l, mode.precision, static_cast<float*>(scratch.bias),
                           p.bias_gradient.as<float>(), stream);
}

}  // namespace

ConvKernels cudnn_kernels(Precision) {
  return {cudnn_bytes, cudnn_pack, cudnn_forward, cudnn_data_gradient, cudnn_weight_gradient};
}

}  // namespace n2s::device
