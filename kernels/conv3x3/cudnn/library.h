// The few functions of cuDNN that are used, as its headers declare them (cudnn_graph.h, cudnn_ops.h and cudnn_cnn.h of
// version 9.19; version 8 has the same ones). The library is loaded when it is first requested; only
// the cudnn variant needs it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace n2s::device {

struct CudnnFunctions {
  struct Handle;
  struct Tensor;
  struct Filter;
  struct Convolution;

  // Numbers of cudnnTensorFormat_t, cudnnDataType_t, cudnnMathType_t, cudnnConvolutionMode_t and cudnnDeterminism_t.
  enum Format : int { nhwc = 1 };
  enum DataType : int { float32 = 0, float16 = 2, bfloat16 = 9 };
  enum Math : int { default_math = 0, tensor_op_math = 1, fma_math = 3 };
  enum Mode : int { cross_correlation = 1 };
  enum Determinism : int { deterministic = 1 };

  /// cudnnConvolutionFwdAlgoPerf_t, and its two siblings for the gradients: an algorithm that the library proposes.
  struct Proposal {
    int algorithm = 0;
    int status = 0;
    float milliseconds = 0;
    std::size_t workspace_bytes = 0;
    Determinism determinism{};
    Math math{};
    int reserved[3]{};
  };

  const char* (*error_text)(int status) = nullptr;

  // All others return 0 when they succeed.
  int (*create)(Handle** handle) = nullptr;
  int (*destroy)(Handle* handle) = nullptr;
  int (*set_stream)(Handle* handle, cudaStream_t stream) = nullptr;
  int (*create_tensor)(Tensor** tensor) = nullptr;
  int (*destroy_tensor)(Tensor* tensor) = nullptr;
  int (*set_tensor)(Tensor* tensor, Format format, DataType type, int batch, int channels, int height,
                    int width) = nullptr;
  int (*create_filter)(Filter** filter) = nullptr;
  int (*destroy_filter)(Filter* filter) = nullptr;
  int (*set_filter)(Filter* filter, DataType type, Format format, int outputs, int inputs, int height,
                    int width) = nullptr;
  int (*create_convolution)(Convolution** convolution) = nullptr;
  int (*destroy_convolution)(Convolution* convolution) = nullptr;
  int (*set_convolution)(Convolution* convolution, int pad_y, int pad_x, int stride_y, int stride_x, int dilation_y,
                         int dilation_x, Mode mode, DataType compute) = nullptr;
  int (*set_math)(Convolution* convolution, Math math) = nullptr;

  // x is what a convolution reads, w its weights, y what it writes; the gradients are of the same shapes.
  int (*forward_proposals)(Handle* handle, const Tensor* x, const Filter* w, const Convolution* convolution,
                           const Tensor* y, int wanted, int* found, Proposal* proposals) = nullptr;
  int (*forward_workspace)(Handle* handle, const Tensor* x, const Filter* w, const Convolution* convolution,
                           const Tensor* y, int algorithm, std::size_t* bytes) = nullptr;
  int (*forward)(Handle* handle, const void* alpha, const Tensor* x, const void* x_data, const Filter* w,
                 const void* w_data, const Convolution* convolution, int algorithm, void* workspace,
                 std::size_t workspace_bytes, const void* beta, const Tensor* y, void* y_data) = nullptr;
  int (*data_proposals)(Handle* handle, const Filter* w, const Tensor* y, const Convolution* convolution,
                        const Tensor* x, int wanted, int* found, Proposal* proposals) = nullptr;
  int (*data_workspace)(Handle* handle, const Filter* w, const Tensor* y, const Convolution* convolution,
                        const Tensor* x, int algorithm, std::size_t* bytes) = nullptr;
  int (*data_gradient)(Handle* handle, const void* alpha, const Filter* w, const void* w_data, const Tensor* y,
                       const void* y_data, const Convolution* convolution, int algorithm, void* workspace,
                       std::size_t workspace_bytes, const void* beta, const Tensor* x, void* x_data) = nullptr;
  int (*weight_proposals)(Handle* handle, const Tensor* x, const Tensor* y, const Convolution* convolution,
                          const Filter* w, int wanted, int* found, Proposal* proposals) = nullptr;
  int (*weight_workspace)(Handle* handle, const Tensor* x, const Tensor* y, const Convolution* convolution,
                          const Filter* w, int algorithm, std::size_t* bytes) = nullptr;
  int (*weight_gradient)(Handle* handle, const void* alpha, const Tensor* x, const void* x_data, const Tensor* y,
                         const void* y_data, const Convolution* convolution, int algorithm, void* workspace,
                         std::size_t workspace_bytes, const void* beta, const Filter* w, void* w_data) = nullptr;
};

/// Throws Error with what to install where the library is not found.
const CudnnFunctions& cudnn();

/// Whether it is found.
bool has_cudnn();

#ifdef N2S_EMULATION
/// Stands for the library where kernels are emulated.
CudnnFunctions emulated_cudnn();
#endif

}  // namespace n2s::device
