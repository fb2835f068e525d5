// The functions that g++ -fsanitize=thread calls before each memory access. ThreadSanitizer's library is not linked;
// these report the access to the current Watch instead.
#include <cstddef>

#include "tests/memory_access/watch.h"

// NOLINTBEGIN(readability-identifier-naming): the names are the compiler's

using n2s::emulation::report_access;

extern "C" {

void __tsan_init();
void __tsan_func_entry(void* caller);
void __tsan_func_exit();
void __tsan_vptr_update(void** vptr, void* value);
void __tsan_vptr_read(void** vptr);
void __tsan_read1(void* address);
void __tsan_read2(void* address);
void __tsan_read4(void* address);
void __tsan_read8(void* address);
void __tsan_read16(void* address);
void __tsan_write1(void* address);
void __tsan_write2(void* address);
void __tsan_write4(void* address);
void __tsan_write8(void* address);
void __tsan_write16(void* address);
void __tsan_unaligned_read2(void* address);
void __tsan_unaligned_read4(void* address);
void __tsan_unaligned_read8(void* address);
void __tsan_unaligned_read16(void* address);
void __tsan_unaligned_write2(void* address);
void __tsan_unaligned_write4(void* address);
void __tsan_unaligned_write8(void* address);
void __tsan_unaligned_write16(void* address);
void __tsan_read_range(void* address, std::size_t bytes);
void __tsan_write_range(void* address, std::size_t bytes);

void __tsan_init() {}
void __tsan_func_entry(void* /*caller*/) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** /*vptr*/, void* /*value*/) {}
void __tsan_vptr_read(void** /*vptr*/) {}

void __tsan_read1(void* address) {
  report_access(address, 1, false, __builtin_return_address(0));
}
void __tsan_read2(void* address) {
  report_access(address, 2, false, __builtin_return_address(0));
}
void __tsan_read4(void* address) {
  report_access(address, 4, false, __builtin_return_address(0));
}
void __tsan_read8(void* address) {
  report_access(address, 8, false, __builtin_return_address(0));
}
void __tsan_read16(void* address) {
  report_access(address, 16, false, __builtin_return_address(0));
}
void __tsan_write1(void* address) {
  report_access(address, 1, true, __builtin_return_address(0));
}
void __tsan_write2(void* address) {
  report_access(address, 2, true, __builtin_return_address(0));
}
void __tsan_write4(void* address) {
  report_access(address, 4, true, __builtin_return_address(0));
}
void __tsan_write8(void* address) {
  report_access(address, 8, true, __builtin_return_address(0));
}
void __tsan_write16(void* address) {
  report_access(address, 16, true, __builtin_return_address(0));
}
void __tsan_unaligned_read2(void* address) {
  report_access(address, 2, false, __builtin_return_address(0));
}
void __tsan_unaligned_read4(void* address) {
  report_access(address, 4, false, __builtin_return_address(0));
}
void __tsan_unaligned_read8(void* address) {
  report_access(address, 8, false, __builtin_return_address(0));
}
void __tsan_unaligned_read16(void* address) {
  report_access(address, 16, false, __builtin_return_address(0));
}
void __tsan_unaligned_write2(void* address) {
  report_access(address, 2, true, __builtin_return_address(0));
}
void __tsan_unaligned_write4(void* address) {
  report_access(address, 4, true, __builtin_return_address(0));
}
void __tsan_unaligned_write8(void* address) {
  report_access(address, 8, true, __builtin_return_address(0));
}
void __tsan_unaligned_write16(void* address) {
  report_access(address, 16, true, __builtin_return_address(0));
}
void __tsan_read_range(void* address, std::size_t bytes) {
  report_access(address, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* address, std::size_t bytes) {
  report_access(address, bytes, true, __builtin_return_address(0));
}

}  // extern "C"

// NOLINTEND(readability-identifier-naming)
