// SPDX-License-Identifier: MIT
//
// The heap of the process, so that a block which is handed out again is a new one to the race
// detector. Everything else is glibc's.
//
// Outside of a run with detection each of these is a load and a jump more than glibc's own. A
// sanitizer brings its own allocator; builds with one go without. Weak: the library of `pollux
// exec` has an allocator that stands in front of any program's (cli/exec_malloc.cc).
#include <errno.h>
#include <malloc.h>

#include <cstddef>

#include "explore/heap.h"

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
