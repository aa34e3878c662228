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
  if (s.map == MAP_FAILED) fatal("out of memory for a goroutine's stack");
  if (mprotect(s.map, page_size, PROT_NONE) != 0) fatal("cannot protect a stack's guard page");
  return s;
}

void stack_unmap(stack& s) {
  if (s.mapped()) munmap(s.map, s.map_size);
  s = stack{};
}

}  // namespace netpoll
