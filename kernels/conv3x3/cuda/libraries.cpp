// See libraries.h.
#include "kernels/conv3x3/cuda/libraries.h"

namespace n2s::device {

bool has_library_of(ConvVariant variant) {
  const ConvLibrary library = row_of(variant).library;
  if (library == ConvLibrary::cudnn) return has_cudnn();
  return library == ConvLibrary::none || has_cublas();
}

ConvLibraries::ConvLibraries(ConvMode& mode) {
  const ConvLibrary library = row_of(mode.variant).library;
  if (library == ConvLibrary::cudnn) {
    cudnn_ = std::make_unique<CudnnPlans>();
    mode.cudnn = cudnn_.get();
  } else if (library == ConvLibrary::cublas) {
    cublas_ = std::make_unique<CublasProducts>();
    mode.cublas = cublas_.get();
  }
}

void ConvLibraries::warm_up(cudaStream_t stream) {
  if (cudnn_) cudnn_->warm_up(stream);
}

}  // namespace n2s::device
