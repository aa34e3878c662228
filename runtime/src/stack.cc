// SPDX-License-Identifier: MIT
#include "src/stack.h"

#include <sys/mman.h>

#include "src/fatal.h"

namespace netpoll {

namespace {
// The size of pages on every target we build for. A larger real page would make mprotect fail,
// loudly.
constexpr size_t page_size = 4096;
constexpr size_t min_stack_size = 16 * 1024;
constexpr int madv_guard_install = 102;  // Linux 6.13

// Makes the first page inaccessible. A guard of Linux 6.13 leaves the mapping whole, so that the
// stacks lie in one mapping, however many they are; mprotect splits it, and a process may have only
// so many parts (vm.max_map_count, 65530 unless raised: 32,000 goroutines).
void protect_first_page(void* map) {
  if (madvise(map, page_size, madv_guard_install) == 0) return;
  if (mprotect(map, page_size, PROT_NONE) != 0) {
    fatal("cannot protect a stack's guard page: too many goroutines for vm.max_map_count?");
  }
}

}  // namespace

void* stack::bottom() const { return static_cast<char*>(map) + page_size; }
size_t stack::size() const { return map_size - page_size; }
void* stack::top() const { return static_cast<char*>(map) + map_size; }

stack stack_map(size_t size) {
  if (size < min_stack_size) size = min_stack_size;
  stack s;
  s.map_size = (size + page_size - 1) / page_size * page_size + page_size;
  s.map = mmap(nullptr, s.map_size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (s.map == MAP_FAILED) {
    fatal("no memory for a goroutine's stack, or too many for vm.max_map_count");
  }
  protect_first_page(s.map);
  return s;
}

void stack_unmap(stack& s) {
  if (s.mapped()) munmap(s.map, s.map_size);
  s = stack{};
}

}  // namespace netpoll
