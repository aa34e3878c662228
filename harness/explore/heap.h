// SPDX-License-Identifier: MIT
//
// For who stands in front of an allocator: a block that is handed out is a new one to the race
// detector, whatever was done with its memory before.
#pragma once

#include <cstddef>

#include "explore/race_shadow.h"
#include "explore/state.h"
#include "pollux/shim/gate.h"

namespace pollux::explore {

__attribute__((noinline)) inline void forget_block(void* at, size_t size) {
  shim::HarnessScope scope;
  forget_memory(at, size);
}

// `at` may be null.
[[gnu::always_inline]] inline void* fresh_block(void* at, size_t size) {
  if (__builtin_expect(state.races, 0) && shim::in_run() && at != nullptr) forget_block(at, size);
  return at;
}

// A realloc: what was added is new, or all if the block has moved.
template <class Realloc, class UsableSize>
void* fresh_end(void* old, size_t size, Realloc reallocate, UsableSize usable_size) {
  size_t had = __builtin_expect(state.races, 0) ? usable_size(old) : 0;
  auto before = reinterpret_cast<uintptr_t>(old);  // `old` is gone afterwards
  void* at = reallocate(old, size);
  if (reinterpret_cast<uintptr_t>(at) != before) return fresh_block(at, size);
  if (size > had) fresh_block(static_cast<char*>(at) + had, size - had);
  return at;
}

}  // namespace pollux::explore
