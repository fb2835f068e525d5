// Device properties and attributes of the host interface, and kernel launches.
#include <cstdio>
#include <limits>
#include <utility>

#include "emulation/block.h"
#include "tests/emulation/runtime.h"

using n2s::emulation::api_call;
using n2s::emulation::Device;
using n2s::emulation::Runtime;

namespace {

constexpr int kThreadsOfBlock = 1024;
constexpr std::size_t kDefaultSharedMemory = std::size_t{48} << 10;
constexpr int kMultiprocessors = 4;
constexpr int kRegisters = 65536;
constexpr int kVersion = 12090;

/// Shared memory per multiprocessor; each block takes 1 KiB more than it asks for.
std::size_t multiprocessor_memory(const Device& device) {
  return device.shared_memory + 1024;
}

int threads_of_multiprocessor(const Device& device) {
  const int generation = 10 * device.major + device.minor;
  return generation == 75 ? 1024 : generation == 86 || generation == 89 || generation >= 120 ? 1536 : 2048;
}

cudaDeviceProp describe(const Device& device) {
  cudaDeviceProp p{};
  std::snprintf(p.name, sizeof p.name, "emulated GPU");
  p.totalGlobalMem = device.memory;
  p.sharedMemPerBlock = kDefaultSharedMemory;
  p.regsPerBlock = p.regsPerMultiprocessor = kRegisters;
  p.warpSize = 32;
  p.maxThreadsPerBlock = kThreadsOfBlock;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = kThreadsOfBlock;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = std::numeric_limits<int>::max();
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.totalConstMem = 65536;
  p.major = device.major;
  p.minor = device.minor;
  p.multiProcessorCount = kMultiprocessors;
  p.canMapHostMemory = p.concurrentKernels = p.asyncEngineCount = p.unifiedAddressing = 1;
  p.memoryBusWidth = 4096;
  p.l2CacheSize = 6 << 20;
  p.maxThreadsPerMultiProcessor = threads_of_multiprocessor(device);
  p.sharedMemPerMultiprocessor = multiprocessor_memory(device);
  p.sharedMemPerBlockOptin = device.shared_memory;
  p.reservedSharedMemPerBlock = 1024;
  p.maxBlocksPerMultiProcessor = 32;
  return p;
}

std::size_t shared_limit(const Runtime& runtime, const void* kernel) {
  const auto found = runtime.shared_limits.find(kernel);
  return found == runtime.shared_limits.end() ? kDefaultSharedMemory : found->second;
}

bool fits(const dim3& size, const int (&most)[3]) {
  return size.x > 0 && size.y > 0 && size.z > 0 && size.x <= static_cast<unsigned>(most[0]) &&
         size.y <= static_cast<unsigned>(most[1]) && size.z <= static_cast<unsigned>(most[2]);
}

cudaError_t check_launch(const Runtime& runtime, const cudaLaunchConfig_t& config, const void* kernel) {
  const cudaDeviceProp limits = describe(runtime.device);
  const dim3& block = config.blockDim;
  if (!fits(block, limits.maxThreadsDim) || !fits(config.gridDim, limits.maxGridSize) ||
      std::size_t{block.x} * block.y * block.z > std::size_t{kThreadsOfBlock})
    return cudaErrorInvalidConfiguration;
  if (config.dynamicSmemBytes > shared_limit(runtime, kernel)) return cudaErrorInvalidValue;
  for (unsigned i = 0; i < config.numAttrs; ++i)
    if (config.attrs[i].id == cudaLaunchAttributeClusterDimension) return cudaErrorNotSupported;
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  return api_call([&](const Runtime& runtime) {
    *count = runtime.device.count;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return api_call([&](const Runtime& runtime) {
    return device >= 0 && device < runtime.device.count ? cudaSuccess : cudaErrorInvalidDevice;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return api_call([&](const Runtime&) {
    *device = 0;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return api_call([&](const Runtime& runtime) {
    if (device < 0 || device >= runtime.device.count) return cudaErrorInvalidDevice;
    *properties = describe(runtime.device);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return api_call([&](const Runtime& runtime) {
    if (device < 0 || device >= runtime.device.count) return cudaErrorInvalidDevice;
    const cudaDeviceProp p = describe(runtime.device);
    switch (attribute) {
      case cudaDevAttrMaxThreadsPerBlock:
        *value = p.maxThreadsPerBlock;
        break;
      case cudaDevAttrMaxBlockDimX:
        *value = p.maxThreadsDim[0];
        break;
      case cudaDevAttrMaxBlockDimY:
        *value = p.maxThreadsDim[1];
        break;
      case cudaDevAttrMaxBlockDimZ:
        *value = p.maxThreadsDim[2];
        break;
      case cudaDevAttrMaxGridDimX:
        *value = p.maxGridSize[0];
        break;
      case cudaDevAttrMaxGridDimY:
        *value = p.maxGridSize[1];
        break;
      case cudaDevAttrMaxGridDimZ:
        *value = p.maxGridSize[2];
        break;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(p.sharedMemPerBlock);
        break;
      case cudaDevAttrWarpSize:
        *value = p.warpSize;
        break;
      case cudaDevAttrMaxRegistersPerBlock:
        *value = p.regsPerBlock;
        break;
      case cudaDevAttrClockRate:
        *value = 1'000'000;
        break;
      case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        break;
      case cudaDevAttrConcurrentKernels:
        *value = p.concurrentKernels;
        break;
      case cudaDevAttrMemoryClockRate:
        *value = 1'000'000;
        break;
      case cudaDevAttrGlobalMemoryBusWidth:
        *value = p.memoryBusWidth;
        break;
      case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        break;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = p.maxThreadsPerMultiProcessor;
        break;
      case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        break;
      case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        break;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(p.sharedMemPerMultiprocessor);
        break;
      case cudaDevAttrMaxRegistersPerMultiprocessor:
        *value = p.regsPerMultiprocessor;
        break;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(p.sharedMemPerBlockOptin);
        break;
      case cudaDevAttrReservedSharedMemoryPerBlock:
        *value = static_cast<int>(p.reservedSharedMemPerBlock);
        break;
      default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = kVersion;  // works without a device
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kVersion;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return api_call([&](Runtime& runtime) {
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        static_cast<std::size_t>(value) > runtime.device.shared_memory)
      return cudaErrorInvalidValue;
    runtime.shared_limits[kernel] = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return api_call([&](const Runtime& runtime) {
    *attributes = {};
    attributes->maxThreadsPerBlock = kThreadsOfBlock;
    attributes->numRegs = 32;
    attributes->binaryVersion = 10 * runtime.device.major + runtime.device.minor;
    attributes->ptxVersion = runtime.device.compiled_for > 0 ? runtime.device.compiled_for : attributes->binaryVersion;
    attributes->maxDynamicSharedSizeBytes = static_cast<int>(shared_limit(runtime, kernel));
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads,
                                                          std::size_t shared_bytes) {
  return api_call([&](const Runtime& runtime) {
    if (threads <= 0) return cudaErrorInvalidValue;
    *blocks = 0;
    if (threads > kThreadsOfBlock || shared_bytes > shared_limit(runtime, kernel)) return cudaSuccess;
    const int by_threads = threads_of_multiprocessor(runtime.device) / ((threads + 31) / 32 * 32);
    const auto by_memory = static_cast<int>(multiprocessor_memory(runtime.device) / (shared_bytes + 1024));
    *blocks = by_threads < by_memory ? by_threads : by_memory;
    return cudaSuccess;
  });
}

namespace n2s::emulation::detail {

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread) {
  return api_call([&](Runtime& runtime) {
    const cudaError_t result = check_launch(runtime, config, kernel);
    if (result != cudaSuccess) return result;
    KernelRun run{kernel, config.gridDim, config.blockDim, config.dynamicSmemBytes, nullptr};
    return runtime.submit(config.stream, [run, body = std::move(thread)]() mutable {
      run.thread = &body;
      run_kernel(run);
    });
  });
}

}  // namespace n2s::emulation::detail
