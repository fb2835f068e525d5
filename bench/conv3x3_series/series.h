// A series of kernels for one operation, from the definition to the idea of the ones that the engine ships: what each
// step changes, and what it gains, is told in README.md. The anchor is llm.c's dev/cuda, which has no convolution.
//
// The contract: 3x3 convolution, stride 1, zero padding, NHWC, bias and leaky ReLU, and the maximum of each 2x2 window.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <span>

namespace n2s::series {

/// All pointers are device memory. Inputs and outputs are multiples of 16, height and width of 2.
struct Problem {
  int images = 0, height = 0, width = 0;  // of the output
  int inputs = 0, outputs = 0;            // channels
  int doubling = 1;                       // 2: the image has half the height and width, and each pixel stands for 2x2
  const float* image = nullptr;           // (images, height / doubling, width / doubling, inputs)
  const float* weight = nullptr;          // (3, 3, inputs, outputs)
  const __half* image16 = nullptr;        // the same in fp16, for the steps with tensor cores
  const __half* weight16 = nullptr;
  const float* bias = nullptr;  // (outputs)
  float slope = 0;              // of the activation for values below 0
  float* out = nullptr;         // (images, height, width, outputs): activation(convolution + bias)
  float* pooled = nullptr;      // (images, height / 2, width / 2, outputs)
  float* scratch = nullptr;     // 4 x (2, 2, inputs, outputs) values, for the last step
};

/// One step of the series.
struct Step {
  const char* name;  // of its file
  void (*run)(const Problem& problem, cudaStream_t stream);
  bool has_tensor_cores;  // reads fp16
};
std::span<const Step> steps();

// Each in a file of its name.
void naive(const Problem& problem, cudaStream_t stream);
void coalesced(const Problem& problem, cudaStream_t stream);
void shared_tile(const Problem& problem, cudaStream_t stream);
void registers(const Problem& problem, cudaStream_t stream);
void tensor_cores(const Problem& problem, cudaStream_t stream);
void fused_epilogue(const Problem& problem, cudaStream_t stream);
void asynchronous(const Problem& problem, cudaStream_t stream);
void four_phases(const Problem& problem, cudaStream_t stream);

/// Activation, then pooling, each in a pass of its own: what the steps before fused_epilogue end with.
void activate_and_pool(const Problem& problem, cudaStream_t stream);

/// The gradient with respect to the weights: weight_gradient (3, 3, inputs, outputs) = sum over all pixels of image and
/// output_gradient (images, height, width, outputs). `doubling` is 1.
struct WeightGradientProblem {
  int images = 0, height = 0, width = 0, inputs = 0, outputs = 0;
  const float* image = nullptr;
  const float* output_gradient = nullptr;
  float* weight_gradient = nullptr;
  float* scratch = nullptr;  // kSlices times the weight gradient, for the second step
};
inline constexpr int kSlices = 16;

struct WeightGradientStep {
  const char* name;
  void (*run)(const WeightGradientProblem& problem, cudaStream_t stream);
};
std::span<const WeightGradientStep> weight_gradient_steps();

void atomics(const WeightGradientProblem& problem, cudaStream_t stream);
void split_and_reduce(const WeightGradientProblem& problem, cudaStream_t stream);

}  // namespace n2s::series
