// SPDX-License-Identifier: MIT
//
// The heap of the process and its mappings, so that memory which is handed out again is new to the
// race detector, and so that blocks which are lost can be told (leaks.h). Everything else is
// glibc's and the kernel's.
//
// Outside of a run that asks for one of these, each is a load and a jump more than glibc's own. A
// sanitizer brings its own allocator; builds with one go without. Weak: the library of `pollux
// exec` has an allocator that stands in front of any program's (cli/exec_malloc.cc).
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstddef>

#include "explore/heap.h"
#include "explore/tracked_heap.h"
#include "pollux/shim/raw_system_call.h"

#define POLLUX_HEAP extern "C" __attribute__((visibility("default"), weak))

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);
}

using namespace pollux::explore;

namespace {

size_t libc_usable_size(void* block) {
  static constinit decltype(&malloc_usable_size) found = nullptr;
  if (found == nullptr) {
    pollux::shim::HarnessScope scope;
    found = reinterpret_cast<decltype(found)>(::dlsym(RTLD_NEXT, "malloc_usable_size"));
  }
  return found(block);
}

constexpr AllocatorBehind kLibc = {__libc_malloc, __libc_free, libc_usable_size};

bool tracking() { return __builtin_expect(tracks_memory, 0); }
Whose whose() { return pollux::shim::in_run() ? Whose::program : Whose::harness; }

void* aligned_block(size_t alignment, size_t size, uintptr_t from) {
  if (tracking()) return take_tracked(whose(), size, alignment, false, from);
  return fresh_block(__libc_memalign(alignment, size), size);
}

}  // namespace

// See leaks.cc.
extern "C" __attribute__((weak)) bool pollux_heap_is_ours() { return true; }

POLLUX_HEAP void* malloc(size_t size) {
  if (tracking()) return take_tracked(whose(), size, 1, false, POLLUX_CALLER);
  return fresh_block(__libc_malloc(size), size);
}
POLLUX_HEAP void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (tracking() && !__builtin_mul_overflow(count, size, &bytes))
    return take_tracked(whose(), bytes, 1, true, POLLUX_CALLER);
  return fresh_block(__libc_calloc(count, size), count * size);
}
POLLUX_HEAP void free(void* block) {
  if (__builtin_expect(has_tracked_memory, 0)) return free_tracked(block, kLibc);
  __libc_free(block);
}
POLLUX_HEAP void* realloc(void* old, size_t size) {
  if (old == nullptr && tracking()) return take_tracked(whose(), size, 1, false, POLLUX_CALLER);
  if (__builtin_expect(has_tracked_memory, 0) && (tracks_memory || is_tracked_block(old)))
    return resize_tracked(whose(), old, size, POLLUX_CALLER, kLibc);
  return fresh_end(old, size, __libc_realloc, libc_usable_size);
}
POLLUX_HEAP void* memalign(size_t alignment, size_t size) {
  return aligned_block(alignment, size, POLLUX_CALLER);
}
POLLUX_HEAP void* aligned_alloc(size_t alignment, size_t size) {
  return aligned_block(alignment, size, POLLUX_CALLER);
}
POLLUX_HEAP int posix_memalign(void** out, size_t alignment, size_t size) {
  bool power = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!power || alignment % sizeof(void*) != 0) return EINVAL;
  int saved = errno;
  void* at = aligned_block(alignment, size, POLLUX_CALLER);
  errno = saved;
  if (at == nullptr) return ENOMEM;
  *out = at;
  return 0;
}
POLLUX_HEAP size_t malloc_usable_size(void* block) {
  return is_tracked_block(block) ? size_of_tracked(block, kLibc) : libc_usable_size(block);
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
