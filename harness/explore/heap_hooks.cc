// SPDX-License-Identifier: MIT
//
// The heap of the process and its mappings, so that memory which is handed out again is new to the
// race detector. Everything else is glibc's and the kernel's.
//
// Outside of a run with detection each of these is a load and a jump more than glibc's own. A
// sanitizer brings its own allocator; builds with one go without. Weak: the library of `pollux
// exec` has an allocator that stands in front of any program's (cli/exec_malloc.cc).
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstddef>

#include "explore/heap.h"
#include "pollux/shim/raw_system_call.h"

#define POLLUX_HEAP extern "C" __attribute__((visibility("default"), weak))

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

using pollux::explore::fresh_block;

POLLUX_HEAP void* malloc(size_t size) { return fresh_block(__libc_malloc(size), size); }
POLLUX_HEAP void* calloc(size_t count, size_t size) {
  return fresh_block(__libc_calloc(count, size), count * size);
}
POLLUX_HEAP void* realloc(void* old, size_t size) {
  return pollux::explore::fresh_end(old, size, __libc_realloc, malloc_usable_size);
}
POLLUX_HEAP void* memalign(size_t alignment, size_t size) {
  return fresh_block(__libc_memalign(alignment, size), size);
}
POLLUX_HEAP void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
POLLUX_HEAP int posix_memalign(void** out, size_t alignment, size_t size) {
  bool power = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!power || alignment % sizeof(void*) != 0) return EINVAL;
  int saved = errno;
  void* at = memalign(alignment, size);
  errno = saved;
  if (at == nullptr) return ENOMEM;
  *out = at;
  return 0;
}

// Stacks and the blocks of other allocators come from here.
POLLUX_HEAP void* mmap(void* wanted, size_t size, int protection, int flags, int descriptor,
                       off_t offset) {
  long at =
      pollux::shim::raw_system_call(SYS_mmap, reinterpret_cast<long>(wanted),
                                    static_cast<long>(size), protection, flags, descriptor, offset);
  if (at < 0 && at > -4096) {
    errno = static_cast<int>(-at);
    return MAP_FAILED;
  }
  return fresh_block(reinterpret_cast<void*>(at), size);
}
POLLUX_HEAP void* mmap64(void* wanted, size_t size, int protection, int flags, int descriptor,
                         off64_t offset) {
  return mmap(wanted, size, protection, flags, descriptor, offset);
}
