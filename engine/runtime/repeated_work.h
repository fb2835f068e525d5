// Runs work that is the same at every call, such as a training step: as a captured CUDA graph where the backend
// captures, else as it is.
#pragma once

#include <functional>
#include <memory>

#include "engine/runtime/backend.h"

namespace n2s {

class RepeatedWork {
 public:
  explicit RepeatedWork(Backend& backend) : backend_(&backend) {}

  /// Every call must pass work that does the same on the same memory. The first call runs it as it is, so that every
  /// kernel is loaded, which cannot be captured; the second captures it, and from then on the graph is replayed.
  void run(const std::function<void()>& work);

 private:
  Backend* backend_;
  bool warm_ = false;
  std::unique_ptr<CapturedGraph> captured_;
};

}  // namespace n2s
