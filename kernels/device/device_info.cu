// Asks the CUDA runtime about the devices, and whether this program has code for them.
#include "kernels/device/device_info.h"

#include <cuda_runtime.h>

#include <algorithm>

#include "kernels/base/error.h"
#include "kernels/device/toolkit_version.h"

namespace n2s::device {
namespace {

/// Does nothing. If the program has its code for a device, it has that of all other kernels.
__global__ void probe() {}

/// 12090 -> "12.9"
std::string version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

/// Clears the runtime's last error, which a later call would report otherwise.
cudaError_t forget(cudaError_t result) {
  cudaGetLastError();
  return result;
}

std::string explain(cudaError_t result, const CudaInfo& info) {
  if (info.driver.empty()) return "no NVIDIA driver is installed";
  if (result == cudaErrorNoDevice) return "the NVIDIA driver finds no GPU (CUDA_VISIBLE_DEVICES hides devices, too)";
  if (result == cudaErrorInsufficientDriver)
    return "the NVIDIA driver supports CUDA " + info.driver + ", this program needs " + info.runtime +
           "; update the driver, or build with an older CUDA toolkit";
  return std::string("the CUDA runtime reports: ") + cudaGetErrorString(result);
}

DeviceInfo describe(int index, const cudaDeviceProp& properties) {
  return {.index = index,
          .name = properties.name,
          .major = properties.major,
          .minor = properties.minor,
          .memory = properties.totalGlobalMem,
          .multiprocessors = properties.multiProcessorCount,
          .shared_memory = properties.sharedMemPerBlockOptin,
          .l2_cache = static_cast<std::size_t>(properties.l2CacheSize)};
}

cudaFuncAttributes probe_attributes(int index) {
  const std::string device = "cuda:" + std::to_string(index) + ": ";
  cudaFuncAttributes attributes{};
  cudaError_t result = forget(cudaSetDevice(index));
  if (result == cudaSuccess) result = forget(cudaFuncGetAttributes(&attributes, probe));
  if (result == cudaErrorNoKernelImageForDevice || result == cudaErrorInvalidDeviceFunction)
    throw Error(device + "this build has no code for the GPU; build with -DN2S_CUDA_ARCHITECTURES=native");
  if (result == cudaErrorUnsupportedPtxVersion)
    throw Error(device +
                "the driver is older than the CUDA toolkit of this build and has no code for the GPU; update it");
  if (result != cudaSuccess) throw Error(device + cudaGetErrorString(result));
  return attributes;
}

}  // namespace

CudaInfo cuda_info() {
  CudaInfo info;
  int number = 0;
  if (forget(cudaRuntimeGetVersion(&number)) == cudaSuccess) info.runtime = version(number);
  if (forget(cudaDriverGetVersion(&number)) == cudaSuccess && number > 0) info.driver = version(number);

  int count = 0;
  cudaError_t result = forget(cudaGetDeviceCount(&count));
  for (int i = 0; result == cudaSuccess && i < count; ++i) {
    cudaDeviceProp properties{};
    result = forget(cudaGetDeviceProperties(&properties, i));
    if (result == cudaSuccess) info.devices.push_back(describe(i, properties));
  }
  if (info.devices.empty()) info.why_none = explain(result == cudaSuccess ? cudaErrorNoDevice : result, info);
  return info;
}

std::string kernel_code(int index) {
  const cudaFuncAttributes attributes = probe_attributes(index);
  const std::string binary = "sm_" + std::to_string(attributes.binaryVersion);
  if (attributes.ptxVersion == attributes.binaryVersion) return binary;
  return binary + " from compute_" + std::to_string(attributes.ptxVersion);
}

int kernel_capability(int index) {
  const cudaFuncAttributes attributes = probe_attributes(index);
  return std::min(attributes.binaryVersion, attributes.ptxVersion);
}

}  // namespace n2s::device
