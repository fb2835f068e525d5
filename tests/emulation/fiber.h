// A function that runs on a stack of its own and that others can switch to and from: what a CUDA thread is in
// emulation.
#pragma once

#include <cstddef>

namespace n2s::emulation {

class Fiber {
 public:
  /// Never returns; what is thrown must not leave it.
  using Entry = void (*)(void* argument);

  /// Stands for what the calling thread runs already.
  Fiber() = default;

  /// The first switch to it calls entry(argument). Fibers of different numbers put their stacks' hot ends into
  /// different cache sets.
  Fiber(Entry entry, void* argument, std::size_t number);

  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves this fiber, which must be the one that runs, and goes on with `next`. Returns when another switches back.
  void switch_to(Fiber& next);

 private:
  struct Passage;

  void arrive(const Passage& passage, void* left);

  void* mapping_ = nullptr;  // a guard page, then the stack
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  void* context_ = nullptr;  // Boost.Context's, while another runs

  // What AddressSanitizer must know of a stack
  const void* stack_bottom_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace n2s::emulation
