#include "kernels/conv3x3/cudnn_library.h"

#include <dlfcn.h>

#include <optional>

#include "kernels/base/error.h"

namespace n2s::device {
namespace {

#ifdef N2S_EMULATION

std::optional<CudnnFunctions> load() {
  return emulated_cudnn();
}

#else

void* open_library() {
  for (const char* name : {"libcudnn.so.9", "libcudnn.so.8"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

template <typename Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));  // NOLINT: how dlsym gives functions
  return function != nullptr;
}

bool find_objects(void* library, CudnnFunctions& f) {
  return find(library, "cudnnGetErrorString", f.error_text) && find(library, "cudnnCreate", f.create) &&
         find(library, "cudnnDestroy", f.destroy) && find(library, "cudnnSetStream", f.set_stream) &&
         find(library, "cudnnCreateTensorDescriptor", f.create_tensor) &&
         find(library, "cudnnDestroyTensorDescriptor", f.destroy_tensor) &&
         find(library, "cudnnSetTensor4dDescriptor", f.set_tensor) &&
         find(library, "cudnnCreateFilterDescriptor", f.create_filter) &&
         find(library, "cudnnDestroyFilterDescriptor", f.destroy_filter) &&
         find(library, "cudnnSetFilter4dDescriptor", f.set_filter) &&
         find(library, "cudnnCreateConvolutionDescriptor", f.create_convolution) &&
         find(library, "cudnnDestroyConvolutionDescriptor", f.destroy_convolution) &&
         find(library, "cudnnSetConvolution2dDescriptor", f.set_convolution) &&
         find(library, "cudnnSetConvolutionMathType", f.set_math);
}

bool find_passes(void* library, CudnnFunctions& f) {
  return find(library, "cudnnGetConvolutionForwardAlgorithm_v7", f.forward_proposals) &&
         find(library, "cudnnGetConvolutionForwardWorkspaceSize", f.forward_workspace) &&
         find(library, "cudnnConvolutionForward", f.forward) &&
         find(library, "cudnnGetConvolutionBackwardDataAlgorithm_v7", f.data_proposals) &&
         find(library, "cudnnGetConvolutionBackwardDataWorkspaceSize", f.data_workspace) &&
         find(library, "cudnnConvolutionBackwardData", f.data_gradient) &&
         find(library, "cudnnGetConvolutionBackwardFilterAlgorithm_v7", f.weight_proposals) &&
         find(library, "cudnnGetConvolutionBackwardFilterWorkspaceSize", f.weight_workspace) &&
         find(library, "cudnnConvolutionBackwardFilter", f.weight_gradient);
}

std::optional<CudnnFunctions> load() {
  void* library = open_library();  // stays for the life of the program
  CudnnFunctions f;
  if (library == nullptr || !find_objects(library, f) || !find_passes(library, f)) return std::nullopt;
  return f;
}

#endif

const std::optional<CudnnFunctions>& loaded() {
  static const std::optional<CudnnFunctions> functions = load();
  return functions;
}

}  // namespace

bool has_cudnn() {
  return loaded().has_value();
}

const CudnnFunctions& cudnn() {
  if (!has_cudnn())
    throw Error(
        "the convolution variant 'cudnn' needs NVIDIA's cuDNN, which is not found (libcudnn.so.9): install it and put "
        "its folder into LD_LIBRARY_PATH, or use --variant auto");
  return *loaded();
}

}  // namespace n2s::device
