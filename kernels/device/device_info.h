// Which CUDA devices this machine has, and whether this build has code for them. Needs no CUDA header, and no GPU.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace n2s::device {

struct DeviceInfo {
  int index = 0;             // as in --device cuda:k
  std::string name;          // "Tesla V100-SXM2-16GB"
  int major = 0, minor = 0;  // compute capability
  std::size_t memory = 0;    // bytes
  int multiprocessors = 0;
  std::size_t shared_memory = 0;  // bytes per block at most
  std::size_t l2_cache = 0;       // bytes
};

struct CudaInfo {
  std::string runtime;              // "12.9": the CUDA runtime in this program
  std::string driver;               // "13.0": the newest CUDA that the driver supports; empty without a driver
  std::vector<DeviceInfo> devices;  // empty where none can be used, and then
  std::string why_none;             // says why: "no NVIDIA driver is installed"
};

/// Asks the driver; quick, as no context is made on any device. That there is no driver or no device is an answer, not
/// an error: this function does not throw.
CudaInfo cuda_info();

/// Which of this build's kernel code the device runs: "sm_80", or "sm_90 from compute_70" where the driver compiles
/// PTX. Makes a context on the device, which takes time and memory. Throws Error with the cure where there is no code
/// for the device.
std::string kernel_code(int index);

/// The compute capability that kernels may rely on, 80 for 8.0: the GPU's, or the lower one that their code was
/// compiled for (compute_70 PTX runs on every newer GPU, but without what Volta lacks). Throws Error as kernel_code()
/// does.
int kernel_capability(int index);

}  // namespace n2s::device
