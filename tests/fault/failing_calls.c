/* Preloaded into the program: one call of the system fails, once or from then on. fault_test.py says which.
 *
 * N2S_FAIL_CALL    open, read, write, sync, rename or allocate
 * N2S_FAIL_AT      the how-manieth of these calls fails, counted from 1
 * N2S_FAIL_EVER    set: all later ones fail too
 * N2S_FAIL_FOLDER  only files below this folder count; allocations count from 4 KiB on
 * N2S_FAIL_MARK    a file that is made when the call has failed
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void* __libc_malloc(size_t size); /* NOLINT(readability-identifier-naming): the C library's own */

static long calls = 0;

static int fails(const char* call) {
  const char* wanted = getenv("N2S_FAIL_CALL");
  const char* at = getenv("N2S_FAIL_AT");
  const char* mark = getenv("N2S_FAIL_MARK");
  if (wanted == NULL || at == NULL || mark == NULL || strcmp(wanted, call) != 0) return 0;
  const long number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  const long first = strtol(at, NULL, 10);
  if (number < first || (number > first && getenv("N2S_FAIL_EVER") == NULL)) return 0;
  const long file = syscall(SYS_openat, AT_FDCWD, mark, O_CREAT | O_WRONLY, 0600);
  if (file >= 0) syscall(SYS_close, file);
  return 1;
}

static int is_below(const char* path) {
  const char* folder = getenv("N2S_FAIL_FOLDER");
  return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_file_below(int file) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return is_below(path);
}

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))
#define FAIL_WITH(error) (errno = (error), -1)

static int open_or_fail(const char* path, int flags, mode_t mode) {
  if (is_below(path) && fails("open")) return FAIL_WITH(EMFILE);
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
/* The mode is only there where a file may be made. */
#define DEFINE_OPEN(name)                           \
  int name(const char* path, int flags, ...) {      \
    va_list arguments;                              \
    va_start(arguments, flags);                     \
    const mode_t mode = va_arg(arguments, mode_t);  \
    va_end(arguments);                              \
    return open_or_fail(path, flags, mode);         \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
ssize_t read(int file, void* into, size_t size) {
  return is_file_below(file) && fails("read") ? FAIL_WITH(EIO) : REAL(read)(file, into, size);
}
ssize_t pread(int file, void* into, size_t size, off_t offset) {
  return is_file_below(file) && fails("read") ? FAIL_WITH(EIO) : REAL(pread)(file, into, size, offset);
}
ssize_t pread64(int file, void* into, size_t size, off_t offset) { return pread(file, into, size, offset); }
ssize_t write(int file, const void* from, size_t size) {
  return is_file_below(file) && fails("write") ? FAIL_WITH(ENOSPC) : REAL(write)(file, from, size);
}
ssize_t pwrite(int file, const void* from, size_t size, off_t offset) {
  return is_file_below(file) && fails("write") ? FAIL_WITH(ENOSPC) : REAL(pwrite)(file, from, size, offset);
}
ssize_t pwrite64(int file, const void* from, size_t size, off_t offset) { return pwrite(file, from, size, offset); }
int fsync(int file) { return is_file_below(file) && fails("sync") ? FAIL_WITH(EIO) : REAL(fsync)(file); }
int rename(const char* from, const char* to) {
  return is_below(from) && fails("rename") ? FAIL_WITH(EACCES) : REAL(rename)(from, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) {
  if (is_below(from) && fails("rename")) return FAIL_WITH(EACCES);
  return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
void* malloc(size_t size) {
  if (size >= 4096 && fails("allocate")) {
    errno = ENOMEM;
    return NULL;
  }
  return __libc_malloc(size);
}
