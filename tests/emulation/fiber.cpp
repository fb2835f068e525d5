// Fibers on Boost.Context, with the notices that AddressSanitizer needs about stacks.
#include "tests/emulation/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cerrno>
#include <system_error>

#include "tests/emulation/sanitizer.h"

namespace n2s::emulation {
namespace {

constexpr std::size_t kStackBytes = std::size_t{128} << 10;
constexpr std::size_t kGuardBytes = 4096;  // a stack overflow is a segmentation fault, not another fiber's data

}  // namespace

/// Passed from a fiber to the one that it switches to; lives on the stack of the first.
struct Fiber::Passage {
  Fiber* from;
  Fiber* to;
};

namespace context = boost::context::detail;

Fiber::Fiber(Entry entry, void* argument, std::size_t number) : entry_(entry), argument_(argument) {
  mapping_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "no memory for a fiber's stack");
  mprotect(mapping_, kGuardBytes, PROT_NONE);
  char* bottom = static_cast<char*>(mapping_) + kGuardBytes;
  stack_bottom_ = bottom;
  stack_bytes_ = kStackBytes - number % 21 * 192;
  context_ = context::make_fcontext(bottom + stack_bytes_, stack_bytes_, [](context::transfer_t transfer) {
    const Passage passage = *static_cast<const Passage*>(transfer.data);
    passage.to->arrive(passage, transfer.fctx);
    passage.to->entry_(passage.to->argument_);
  });
}

Fiber::~Fiber() {
  if (mapping_ == nullptr) return;
  allow(mapping_, kGuardBytes + kStackBytes);
  munmap(mapping_, kGuardBytes + kStackBytes);
}

void Fiber::switch_to(Fiber& next) {
  Passage there{this, &next};
#ifdef N2S_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, next.stack_bottom_, next.stack_bytes_);
#endif
  const context::transfer_t transfer = context::jump_fcontext(next.context_, &there);
  arrive(*static_cast<const Passage*>(transfer.data), transfer.fctx);
}

void Fiber::arrive(const Passage& passage, void* left) {
  passage.from->context_ = left;
#ifdef N2S_ASAN
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &bytes);
  if (passage.from->mapping_ == nullptr) {  // the stack of the CPU thread, whose bounds are known only now
    passage.from->stack_bottom_ = bottom;
    passage.from->stack_bytes_ = bytes;
  }
#endif
}

}  // namespace n2s::emulation
