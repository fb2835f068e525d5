// Finds the functions of cuDNN in the library, once (see library.h).
#include "kernels/conv3x3/cudnn/library.h"

#include <optional>

#include "kernels/base/error.h"
#include "kernels/device/shared_library.h"

namespace n2s::device {
namespace {

#ifdef N2S_EMULATION

std::optional<CudnnFunctions> load() {
  return emulated_cudnn();
}

#else

bool find_objects(const SharedLibrary& library, CudnnFunctions& f) {
  return library.find("cudnnGetErrorString", f.error_text) && library.find("cudnnCreate", f.create) &&
         library.find("cudnnDestroy", f.destroy) && library.find("cudnnSetStream", f.set_stream) &&
         library.find("cudnnCreateTensorDescriptor", f.create_tensor) &&
         library.find("cudnnDestroyTensorDescriptor", f.destroy_tensor) &&
         library.find("cudnnSetTensor4dDescriptor", f.set_tensor) &&
         library.find("cudnnCreateFilterDescriptor", f.create_filter) &&
         library.find("cudnnDestroyFilterDescriptor", f.destroy_filter) &&
         library.find("cudnnSetFilter4dDescriptor", f.set_filter) &&
         library.find("cudnnCreateConvolutionDescriptor", f.create_convolution) &&
         library.find("cudnnDestroyConvolutionDescriptor", f.destroy_convolution) &&
         library.find("cudnnSetConvolution2dDescriptor", f.set_convolution) &&
         library.find("cudnnSetConvolutionMathType", f.set_math);
}

bool find_passes(const SharedLibrary& library, CudnnFunctions& f) {
  return library.find("cudnnGetConvolutionForwardAlgorithm_v7", f.forward_proposals) &&
         library.find("cudnnGetConvolutionForwardWorkspaceSize", f.forward_workspace) &&
         library.find("cudnnConvolutionForward", f.forward) &&
         library.find("cudnnGetConvolutionBackwardDataAlgorithm_v7", f.data_proposals) &&
         library.find("cudnnGetConvolutionBackwardDataWorkspaceSize", f.data_workspace) &&
         library.find("cudnnConvolutionBackwardData", f.data_gradient) &&
         library.find("cudnnGetConvolutionBackwardFilterAlgorithm_v7", f.weight_proposals) &&
         library.find("cudnnGetConvolutionBackwardFilterWorkspaceSize", f.weight_workspace) &&
         library.find("cudnnConvolutionBackwardFilter", f.weight_gradient);
}

std::optional<CudnnFunctions> load() {
  constexpr const char* kNames[] = {"libcudnn.so.9", "libcudnn.so.8"};
  const SharedLibrary library(kNames);
  CudnnFunctions f;
  if (!find_objects(library, f) || !find_passes(library, f)) return std::nullopt;
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
