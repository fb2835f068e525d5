// What a GPU should need for the convolutions of a network in fp16, from what its kernels do: matrix products (padding,
// phases and halo included), wavefronts of shared memory, steps in which a block waits for its copies, blocks that fit
// a multiprocessor. The counts follow from kernels/conv3x3/cuda; tests/memory_access compares them with the emulated
// kernels'. The costs of steps and waves were fitted to an H100 (bench/fit_convolution_model), and are taken for other
// GPUs in cycles, which is an assumption.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/runtime/backend.h"
#include "kernels/conv3x3/conv3x3.h"
#include "kernels/conv3x3/cuda/cuda.h"

namespace n2s {

/// A GPU, as far as the model sees it.
struct ModelGpu {
  std::string name;                                        // as in --model
  device::ConvVariant variant = device::ConvVariant::mma;  // mma, mma_sm70 or wmma
  int multiprocessors = 0;
  double gigahertz = 0;
  double flop_per_cycle = 0;  // of a multiprocessor, through the instruction that the kernels use
  int shared_kib = 0;         // of a multiprocessor
  double gbytes_per_second = 0;
};

/// v100 (SXM2; v100-wmma: with that variant), a100 (SXM4), h100 (SXM5), h200.
const std::vector<ModelGpu>& model_gpus();
/// Throws Error for a name that is not there.
const ModelGpu& find_model_gpu(const std::string& name);

/// One launch of a kernel on one source of a layer.
struct KernelCounts {
  ConvPass pass = ConvPass::forward;
  bool is_low = false;     // of the upsampled source, in four phases
  bool is_pooled = false;  // the output gradient comes through a pooled output
  int columns = 0;         // output channels of a block
  double blocks = 0;
  int resident = 0;          // blocks that fit a multiprocessor
  double products = 0;       // of 16x16x16, by a block
  double wavefronts = 0;     // of shared memory, of a block's main loop
  double steps = 0;          // chunks of channels or bands of pixels that a block copies
  double ends = 0;           // tiles of 256x16 sums that a block finishes
  double reduced_bytes = 0;  // of partial sums, which a second kernel adds up
};

/// The launches of a pass over a layer. `wants_low` and `wants_skip`: the sources whose gradient is wanted.
struct ConvolutionCase {
  Conv3x3Layer layer;
  ConvPass pass = ConvPass::forward;
  bool is_pooled = false, wants_low = true, wants_skip = true;
};
std::vector<KernelCounts> count_kernels(const ConvolutionCase& work, const ModelGpu& gpu);

/// What the predicted time consists of, in the order of `kTermNames`; milliseconds.
struct PredictedTime {
  std::vector<double> terms;
  double milliseconds() const;
  /// The largest term's name.
  std::string bound() const;
};
PredictedTime predict(const std::vector<KernelCounts>& kernels, const ModelGpu& gpu);

/// What the costs are multiplied by; milliseconds for a cost of 1. For fitting them.
std::vector<double> model_features(const std::vector<KernelCounts>& kernels, const ModelGpu& gpu);

/// A convolution of a network, in the order and with the labels of its graph.
struct PredictedOperation {
  std::string label;
  ConvolutionCase work;
  double gflop = 0;           // counted as direct convolution, without sources whose gradient is not wanted
  double executed_gflop = 0;  // with padding and halo, in four phases
  std::vector<KernelCounts> kernels;
  PredictedTime time;
};
/// `graph` is fused, and differentiated for a training step.
std::vector<PredictedOperation> predict_convolutions(const Graph& graph, const Extents& extents, const ModelGpu& gpu);

}  // namespace n2s
