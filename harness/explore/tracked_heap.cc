// SPDX-License-Identifier: MIT
#include "explore/tracked_heap.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "explore/harness_heap.h"
#include "explore/heap.h"
#include "explore/program_heap.h"
#include "pollux/shim/gate.h"

namespace pollux::explore {

constinit bool tracks_memory = false;
constinit bool has_tracked_memory = false;

void* take_tracked(Whose whose, size_t size, size_t alignment, bool zeroed, uintptr_t from) {
  if (alignment > SIZE_MAX / 2) alignment = SIZE_MAX / 2;  // more than any heap has
  alignment = std::bit_ceil(alignment);                    // as in libc
  void* block = nullptr;
  if (whose == Whose::program) {
    shim::HarnessScope scope;
    block = program_heap.take(size, alignment, zeroed, from);
  } else {
    block = harness_heap.take(size, alignment);
    if (zeroed && block != nullptr) std::memset(block, 0, size);
  }
  if (block == nullptr) errno = ENOMEM;
  return whose == Whose::program ? fresh_block(block, size) : block;
}

bool is_tracked_block(const void* block) {
  return program_heap.has(block) || harness_heap.has(block);
}

void* resize_tracked(Whose whose, void* block, size_t size, uintptr_t from,
                     const AllocatorBehind& behind) {
  if (size == 0) {  // as in libc
    free_tracked(block, behind);
    return nullptr;
  }
  const size_t had = size_of_tracked(block, behind);
  if (tracks_memory && whose == Whose::program && program_heap.has(block)) {
    shim::HarnessScope scope;
    if (program_heap.resize(block, size, from)) {
      if (size > had) fresh_block(static_cast<char*>(block) + had, size - had);
      return block;
    }
  }
  // Between runs a block of the program's leaves its heap, or the next run would not know it.
  void* other = !tracks_memory && program_heap.has(block)
                    ? behind.malloc(size)
                    : take_tracked(tracks_memory ? whose : Whose::harness, size, 1, false, from);
  if (other == nullptr) return nullptr;
  std::memcpy(other, block, std::min(size, had));
  free_tracked(block, behind);
  return other;
}

void free_tracked(void* block, const AllocatorBehind& behind) {
  if (block == nullptr) return;
  if (program_heap.has(block)) return program_heap.give(block);
  if (harness_heap.has(block)) return harness_heap.give(block);
  if (tracks_memory) std::memset(block, 0, behind.usable_size(block));
  behind.free(block);
}

size_t size_of_tracked(void* block, const AllocatorBehind& behind) {
  if (block == nullptr) return 0;
  if (program_heap.has(block)) return ProgramHeap::size_of(block);
  if (harness_heap.has(block)) return HarnessHeap::size_of(block);
  return behind.usable_size(block);
}

}  // namespace pollux::explore
