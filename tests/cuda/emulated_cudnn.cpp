// cuDNN's convolutions on the emulated device, through the reference: queued in streams and captured as the library's
// are, with its choice of algorithms, and as careless with its workspace.
#include <cstring>
#include <deque>
#include <memory>

#include "kernels/conv3x3/cudnn/library.h"
#include "tests/cuda/emulated_cudnn_call.h"
#include "tests/cuda/emulated_library.h"

namespace n2s::device {
namespace {

using Functions = CudnnFunctions;
using Call = EmulatedCall;

constexpr int kBadParameter = 2000;
constexpr int kNotSupported = 3000;
constexpr int kFailed = 5000;
constexpr std::size_t kWorkspaceBytes = 1000;
enum Algorithm : int { not_deterministic = 0, good = 1, not_for_this = 2 };

}  // namespace

struct CudnnFunctions::Handle {
  LibraryObject life;
  cudaStream_t stream = nullptr;
  std::deque<Call> queued;  // stays: a graph may run it again
};
struct CudnnFunctions::Tensor {
  LibraryObject life;
  DataType type = float32;
  Shape shape;
};
struct CudnnFunctions::Filter {
  LibraryObject life;
  DataType type = float32;
  int outputs = 0, inputs = 0;
};
struct CudnnFunctions::Convolution {
  LibraryObject life;
  Math math = default_math;
};

namespace {

template <typename T>
int create(T** object) {
  auto made = std::make_unique<T>();
  if (!made->life.alive()) return kFailed;
  *object = made.release();
  return 0;
}

template <typename T>
int destroy(T* object) {
  delete object;
  return 0;
}

void run(void* data) {
  const Call& call = *static_cast<const Call*>(data);
  std::memset(call.workspace, 0xFF, kWorkspaceBytes);
  call.run(call);
  std::memset(call.workspace, 0xFF, kWorkspaceBytes);
}

bool fits(const Functions::Tensor* x, const Functions::Filter* w, const Functions::Tensor* y) {
  const Shape& a = x->shape;
  const Shape& b = y->shape;
  return a.batch == b.batch && a.height == b.height && a.width == b.width && a.channels == w->inputs &&
         b.channels == w->outputs && x->type == w->type && y->type == w->type;
}

int propose(bool fit, const Functions::Convolution* convolution, int requested, int* found, Functions::Proposal* to) {
  return counted(kFailed, [&] {
    if (!fit || requested < 3) return kBadParameter;
    to[0] = {not_for_this, kNotSupported, -1, 0, Functions::deterministic, convolution->math, {}};
    to[1] = {not_deterministic, 0, 1, 0, {}, convolution->math, {}};
    to[2] = {good, 0, 2, kWorkspaceBytes, Functions::deterministic, convolution->math, {}};
    *found = 3;
    return 0;
  });
}

int workspace(bool fit, int algorithm, std::size_t* bytes) {
  return counted(kFailed, [&] {
    *bytes = kWorkspaceBytes;
    return fit && algorithm == good ? 0 : kNotSupported;
  });
}

struct Scalars {
  const void* alpha;
  const void* beta;
};

int enqueue(Functions::Handle* handle, const Scalars& scalars, bool fit, int algorithm, std::size_t workspace_bytes,
            const Call& call) {
  const bool unscaled = *static_cast<const float*>(scalars.alpha) == 1 && *static_cast<const float*>(scalars.beta) == 0;
  if (!fit || !unscaled || algorithm != good || workspace_bytes != kWorkspaceBytes || call.workspace == nullptr)
    return kBadParameter;
  handle->queued.push_back(call);
  return cudaLaunchHostFunc(handle->stream, run, &handle->queued.back()) == cudaSuccess ? 0 : kFailed;
}

Call call_of(const Functions::Tensor* x, const Functions::Filter* w, const Functions::Convolution* convolution) {
  Call call;
  call.x = x->shape;
  call.outputs = w->outputs;
  call.math = convolution->math;
  call.type = w->type;
  return call;
}

void add_objects(Functions& f) {
  f.error_text = [](int) { return "an emulated error"; };
  f.create = create<Functions::Handle>;
  f.destroy = [](Functions::Handle* handle) {
    cudaDeviceSynchronize();  // queued convolutions are the handle's
    return destroy(handle);
  };
  f.set_stream = [](Functions::Handle* handle, cudaStream_t stream) {
    return counted(kFailed, [&] {
      handle->stream = stream;
      return 0;
    });
  };
  f.create_tensor = create<Functions::Tensor>;
  f.destroy_tensor = destroy<Functions::Tensor>;
  f.set_tensor = [](Functions::Tensor* tensor, Functions::Format format, Functions::DataType type, int batch,
                    int channels, int height, int width) {
    return counted(kFailed, [&] {
      tensor->type = type;
      tensor->shape = {batch, height, width, channels};
      return format == Functions::nhwc && channels % 8 == 0 && tensor->shape.elements() > 0 ? 0 : kBadParameter;
    });
  };
  f.create_filter = create<Functions::Filter>;
  f.destroy_filter = destroy<Functions::Filter>;
  f.set_filter = [](Functions::Filter* filter, Functions::DataType type, Functions::Format format, int outputs,
                    int inputs, int height, int width) {
    return counted(kFailed, [&] {
      filter->type = type;
      filter->outputs = outputs;
      filter->inputs = inputs;
      return format == Functions::nhwc && height == 3 && width == 3 ? 0 : kBadParameter;
    });
  };
  f.create_convolution = create<Functions::Convolution>;
  f.destroy_convolution = destroy<Functions::Convolution>;
  f.set_convolution = [](Functions::Convolution*, int pad_y, int pad_x, int stride_y, int stride_x, int dilation_y,
                         int dilation_x, Functions::Mode mode, Functions::DataType compute) {
    return counted(kFailed, [&] {
      const bool all_one =
          pad_y == 1 && pad_x == 1 && stride_y == 1 && stride_x == 1 && dilation_y == 1 && dilation_x == 1;
      return all_one && mode == Functions::cross_correlation && compute == Functions::float32 ? 0 : kBadParameter;
    });
  };
  f.set_math = [](Functions::Convolution* convolution, Functions::Math math) {
    return counted(kFailed, [&] {
      convolution->math = math;
      return 0;
    });
  };
}

}  // namespace

CudnnFunctions emulated_cudnn() {
  using F = CudnnFunctions;
  F f;
  add_objects(f);
  f.forward_proposals = [](F::Handle*, const F::Tensor* x, const F::Filter* w, const F::Convolution* convolution,
                           const F::Tensor* y, int requested, int* found, F::Proposal* proposals) {
    return propose(fits(x, w, y), convolution, requested, found, proposals);
  };
  f.data_proposals = [](F::Handle*, const F::Filter* w, const F::Tensor* y, const F::Convolution* convolution,
                        const F::Tensor* x, int requested, int* found, F::Proposal* proposals) {
    return propose(fits(x, w, y), convolution, requested, found, proposals);
  };
  f.weight_proposals = [](F::Handle*, const F::Tensor* x, const F::Tensor* y, const F::Convolution* convolution,
                          const F::Filter* w, int requested, int* found, F::Proposal* proposals) {
    return propose(fits(x, w, y), convolution, requested, found, proposals);
  };
  f.forward_workspace = [](F::Handle*, const F::Tensor* x, const F::Filter* w, const F::Convolution*,
                           const F::Tensor* y, int algorithm,
                           std::size_t* bytes) { return workspace(fits(x, w, y), algorithm, bytes); };
  f.data_workspace = [](F::Handle*, const F::Filter* w, const F::Tensor* y, const F::Convolution*, const F::Tensor* x,
                        int algorithm, std::size_t* bytes) { return workspace(fits(x, w, y), algorithm, bytes); };
  f.weight_workspace = [](F::Handle*, const F::Tensor* x, const F::Tensor* y, const F::Convolution*, const F::Filter* w,
                          int algorithm, std::size_t* bytes) { return workspace(fits(x, w, y), algorithm, bytes); };
  f.forward = [](F::Handle* handle, const void* alpha, const F::Tensor* x, const void* x_data, const F::Filter* w,
                 const void* w_data, const F::Convolution* convolution, int algorithm, void* memory, std::size_t bytes,
                 const void* beta, const F::Tensor* y, void* y_data) {
    Call call = call_of(x, w, convolution);
    call.read[0] = x_data;
    call.read[1] = w_data;
    call.written = y_data;
    call.workspace = memory;
    call.run = run_forward;
    return enqueue(handle, {alpha, beta}, fits(x, w, y), algorithm, bytes, call);
  };
  f.data_gradient = [](F::Handle* handle, const void* alpha, const F::Filter* w, const void* w_data, const F::Tensor* y,
                       const void* y_data, const F::Convolution* convolution, int algorithm, void* memory,
                       std::size_t bytes, const void* beta, const F::Tensor* x, void* x_data) {
    Call call = call_of(x, w, convolution);
    call.read[0] = y_data;
    call.read[1] = w_data;
    call.written = x_data;
    call.workspace = memory;
    call.run = run_data_gradient;
    return enqueue(handle, {alpha, beta}, fits(x, w, y), algorithm, bytes, call);
  };
  f.weight_gradient = [](F::Handle* handle, const void* alpha, const F::Tensor* x, const void* x_data,
                         const F::Tensor* y, const void* y_data, const F::Convolution* convolution, int algorithm,
                         void* memory, std::size_t bytes, const void* beta, const F::Filter* w, void* w_data) {
    Call call = call_of(x, w, convolution);
    call.read[0] = x_data;
    call.read[1] = y_data;
    call.written = w_data;
    call.workspace = memory;
    call.run = run_weight_gradient;
    return enqueue(handle, {alpha, beta}, fits(x, w, y), algorithm, bytes, call);
  };
  return f;
}

}  // namespace n2s::device
