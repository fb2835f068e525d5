// What the stand-ins for NVIDIA's libraries share: their calls can be made to fail, and leaks of their objects are
// counted.
#pragma once

#include "tests/emulation/runtime.h"

namespace n2s::device {

/// Every call can be made to fail, as those of CUDA; it then returns `failed`.
int counted(int failed, const auto& call) {
  int result = 0;
  const cudaError_t error = emulation::api_call([&](emulation::Runtime&) {
    result = call();
    return cudaSuccess;
  });
  return error == cudaSuccess ? result : failed;
}

/// What stands for an object of a library: an event.
class LibraryObject {
 public:
  LibraryObject() { alive_ = cudaEventCreate(&event_) == cudaSuccess; }
  ~LibraryObject() {
    if (alive_) cudaEventDestroy(event_);
  }
  LibraryObject(const LibraryObject&) = delete;
  LibraryObject& operator=(const LibraryObject&) = delete;
  bool alive() const { return alive_; }

 private:
  cudaEvent_t event_ = nullptr;
  bool alive_ = false;
};

}  // namespace n2s::device
