// A function with a stack of its own that can be suspended and resumed: a CUDA thread in the emulation.
#pragma once

#include <cstddef>

namespace n2s::emulation {

class Fiber {
 public:
  /// Never returns, and no exception may leave it.
  using Entry = void (*)(void* argument);

  /// The code that the calling CPU thread is running already.
  Fiber() = default;

  /// The first switch to it calls entry(argument). `number` offsets the stack, so that the fibers' stacks do not
  /// compete for the same cache sets.
  Fiber(Entry entry, void* argument, std::size_t number);

  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Suspends this fiber, which must be the running one, and resumes `next`. Returns when another fiber switches back.
  void switch_to(Fiber& next);

 private:
  struct Passage;

  void arrive(const Passage& passage, void* left);

  void* mapping_ = nullptr;  // a guard page, then the stack
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  void* context_ = nullptr;  // of Boost.Context, while suspended

  // For AddressSanitizer
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace n2s::emulation
