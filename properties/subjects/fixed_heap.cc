// SPDX-License-Identifier: MIT
//
// Blocks of powers of two, from 32 bytes on, with the class in a header of 16 bytes; a free list
// for each class, last in first out; new blocks from the end of what is used. Nothing is given
// back.
#include "subjects/fixed_heap.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

// Between two instructions of the allocator nobody else may run, also when plain accesses are
// scheduling points.
#if defined(__clang__)
#define POLLUX_NO_POINTS __attribute__((disable_sanitizer_instrumentation))
#else
#define POLLUX_NO_POINTS __attribute__((no_sanitize_thread))
#endif

// Whoever looks for data races must know that a block begins a new life.
extern "C" __attribute__((weak)) void AnnotateNewMemory(const char* file, int line,
                                                        const volatile void* at, size_t size);

namespace pollux::properties {
namespace {

constexpr uintptr_t kBase = 0x2000'0000'0000;
constexpr size_t kBytes = size_t{1} << 32;  // of address space; pages come when touched
constexpr unsigned kClassMin = 5;
constexpr unsigned kClasses = 32;

struct alignas(16) Header {
  uint64_t size_class;
  Header* next;  // while free
};

Header* free_blocks[kClasses];
uintptr_t used_to;  // 0: not mapped yet

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "fixed_heap: %s\n", why);
  std::abort();
}

POLLUX_NO_POINTS void* allocate(size_t bytes) {
  size_t size = bytes + sizeof(Header);
  unsigned size_class = kClassMin;
  while ((size_t{1} << size_class) < size) ++size_class;
  if (size_class >= kClasses) die("allocation too large");
  Header* block = free_blocks[size_class];
  if (block != nullptr) {
    free_blocks[size_class] = block->next;
  } else {
    if (used_to == 0) reset_fixed_heap();
    if (used_to + (size_t{1} << size_class) > kBase + kBytes) die("out of memory");
    block = reinterpret_cast<Header*>(used_to);
    used_to += size_t{1} << size_class;
  }
  block->size_class = size_class;
  if (AnnotateNewMemory != nullptr) AnnotateNewMemory(__FILE__, __LINE__, block + 1, bytes);
  return block + 1;
}

POLLUX_NO_POINTS void release(void* at) {
  if (at == nullptr) return;
  uintptr_t address = reinterpret_cast<uintptr_t>(at);
  if (address - kBase >= kBytes) return std::free(at);  // by libstdc++.so
  Header* block = static_cast<Header*>(at) - 1;
  block->next = free_blocks[block->size_class];
  free_blocks[block->size_class] = block;
}

}  // namespace

POLLUX_NO_POINTS void reset_fixed_heap() {
  if (used_to == 0) {
    void* got = mmap(reinterpret_cast<void*>(kBase), kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != reinterpret_cast<void*>(kBase)) die("the fixed place is taken");
  }
  used_to = kBase;
  for (Header*& list : free_blocks) list = nullptr;
}

}  // namespace pollux::properties

using pollux::properties::allocate;
using pollux::properties::release;

POLLUX_NO_POINTS void* operator new(size_t bytes) { return allocate(bytes); }
POLLUX_NO_POINTS void* operator new[](size_t bytes) { return allocate(bytes); }
POLLUX_NO_POINTS void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes);
}
POLLUX_NO_POINTS void operator delete(void* at) noexcept { release(at); }
POLLUX_NO_POINTS void operator delete[](void* at) noexcept { release(at); }
POLLUX_NO_POINTS void operator delete(void* at, size_t) noexcept { release(at); }
POLLUX_NO_POINTS void operator delete[](void* at, size_t) noexcept { release(at); }
POLLUX_NO_POINTS void operator delete(void* at, const std::nothrow_t&) noexcept { release(at); }
