// SPDX-License-Identifier: MIT
// Stacks for goroutines: mapped memory with an inaccessible page below.
#pragma once

#include <cstddef>

namespace netpoll {

struct stack {
  void* map = nullptr;  // start of the mapping; its first page is the guard
  size_t map_size = 0;

  bool mapped() const { return map != nullptr; }
  void* bottom() const;  // lowest usable byte
  size_t size() const;   // usable bytes
  void* top() const;     // one past the highest usable byte
};

// A stack of at least `size` usable bytes. Aborts if the kernel has no room: the caller is go(),
// which has no way to fail.
stack stack_map(size_t size);
void stack_unmap(stack& s);

}  // namespace netpoll
