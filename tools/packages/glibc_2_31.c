// What objects compiled with glibc 2.36 ask for that glibc 2.31 does not have, for programs linked with the older one.
// Each as the GNU C Library's manual or header describes it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

/// glibc 2.32: whether no other thread was ever started, so that libstdc++ may count references without atomic
/// instructions. That it must use them is always right.
char __libc_single_threaded = 0;

/// glibc 2.36: random bytes, for libzip.
void arc4random_buf(void* bytes, size_t count) {
  for (char* to = bytes; count > 0;) {
    const ssize_t got = getrandom(to, count, 0);
    if (got <= 0) abort();
    to += got;
    count -= (size_t)got;
  }
}

/// glibc 2.36: 32 random bits, for std::random_device.
uint32_t arc4random(void) {
  uint32_t bits;
  arc4random_buf(&bits, sizeof bits);
  return bits;
}

struct search {
  uintptr_t address;
  struct dl_find_object* found;
};

static int holds(struct dl_phdr_info* object, size_t size, void* data) {
  (void)size;
  const struct search* search = data;
  struct dl_find_object result = {0};
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)* segment = &object->dlpi_phdr[i];
    const uintptr_t start = object->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_GNU_EH_FRAME) result.dlfo_eh_frame = (void*)start;
    if (segment->p_type == PT_LOAD && search->address >= start && search->address < start + segment->p_memsz) {
      result.dlfo_map_start = (void*)start;
      result.dlfo_map_end = (void*)(start + segment->p_memsz);
    }
  }
  if (result.dlfo_map_start == NULL || result.dlfo_eh_frame == NULL) return 0;
  *search->found = result;
  return 1;
}

/// glibc 2.35: where the tables are by which an exception that passes `address` is unwound.
int _dl_find_object(void* address, struct dl_find_object* found) {
  struct search search = {(uintptr_t)address, found};
  return dl_iterate_phdr(holds, &search) == 1 ? 0 : -1;
}
