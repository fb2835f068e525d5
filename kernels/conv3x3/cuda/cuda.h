// The 3x3 convolution on a GPU: the problems of conv3x3.h, with tensors as in device/tensor.h. The sequence is that of
// every device: can it run, sizes of packed weights and scratch memory, pack, run. README.md explains the variants.
#pragma once

#include <cuda_runtime.h>

#include <span>
#include <vector>

#include "kernels/conv3x3/conv3x3.h"
#include "kernels/device/tensor.h"

namespace n2s::device {

class CudnnPlans;      // kernels/conv3x3/cudnn/plans.h
class CublasProducts;  // kernels/conv3x3/cublas/products.h

enum class ConvVariant {
  simt,      // fp32 multiply-adds
  wmma,      // tensor cores through wmma: fp16
  mma_sm70,  // Volta's own matrix instruction: fp16
  mma,       // tensor cores through mma.sync: tf32, fp16, bf16
  cudnn,     // NVIDIA's libraries, what the others are measured against: convolutions, in every precision,
  cublas,    // and matrix products of patches
};

/// What a variant takes from NVIDIA: ConvMode then needs the object of libraries.h.
enum class ConvLibrary { none, cudnn, cublas };

/// A precision that a variant has kernels for, and the compute capability (80 for 8.0) from which on they run.
struct ConvPrecision {
  Precision precision = Precision::fp32;
  int compute_capability = 0;
};

struct ConvKernels;  // variants.h

/// A row of the table of variants (variants.cpp). Command line, choice, benchmark and help texts read it.
struct ConvVariantRow {
  ConvVariant variant = ConvVariant::simt;
  const char* name = "";
  std::vector<ConvPrecision> precisions;
  ConvKernels (*kernels)(Precision) = nullptr;
  ConvLibrary library = ConvLibrary::none;
  int newest = 1000;  // compute capability of code that has it, and of GPUs on which it is a default
};

/// The table; of several variants that can run, the first is the default.
std::span<const ConvVariantRow> conv_variants();
const ConvVariantRow& row_of(ConvVariant variant);

struct ConvMode {
  Precision precision = Precision::fp32;
  ConvVariant variant = ConvVariant::simt;
  CudnnPlans* cudnn = nullptr;  // for variants that need them
  CublasProducts* cublas = nullptr;
};

/// Whether code of this compute capability has it.
bool can_run(ConvVariant variant, Precision precision, int compute_capability);

/// The default variant for a precision, where the code has `compute_capability` and the GPU that runs it `gpu`, which
/// may be newer. Throws Error where the code cannot do it, with what it can.
ConvVariant default_variant(Precision precision, int compute_capability, int gpu);

/// Memory that a call needs, to be aligned to 16 bytes. Throws Error when the layer is impossible.
ConvBytes conv3x3_bytes(const Conv3x3Layer& layer, ConvPass pass, const ConvMode& mode);

/// Brings weights into the form that the forward pass or the data gradient reads. All layers of a network at once: one
/// by one their launches would take longer than the work.
void conv3x3_pack(std::span<const ConvPacking> packings, const ConvMode& mode, cudaStream_t stream);

/// The kernels themselves; they return before the work is done. Throws Error when the problem is not one that check.h
/// accepts, or a launch fails. The order of every sum is fixed: results are the same from run to run.
void conv3x3_forward(const Conv3x3Forward& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_data_gradient(const Conv3x3DataGradient& problem, const ConvMode& mode, cudaStream_t stream);
void conv3x3_weight_gradient(const Conv3x3WeightGradient& problem, const ConvMode& mode, cudaStream_t stream);

}  // namespace n2s::device
