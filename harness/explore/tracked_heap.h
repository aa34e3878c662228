// SPDX-License-Identifier: MIT
//
// For who stands in front of an allocator: what becomes of its calls while memory that is lost is
// looked for (leaks.h). The program's blocks then come from program_heap, the harness's from
// harness_heap; what was allocated before stays where it is, and is wiped when it is freed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::explore {

// From begin_tracking() to end_tracking().
extern bool tracks_memory;
// Some block may be of one of the two heaps.
extern bool has_tracked_memory;

enum class Whose : uint8_t { program, harness };

// Where blocks come from that are neither heap's.
struct AllocatorBehind {
  void* (*malloc)(size_t);
  void (*free)(void*);
  size_t (*usable_size)(void*);
};

// Where the program called the allocator: of its entry points only.
#define POLLUX_CALLER reinterpret_cast<uintptr_t>(__builtin_return_address(0))

// Null, and errno is ENOMEM: there is no more.
void* take_tracked(Whose, size_t size, size_t alignment, bool zeroed, uintptr_t from);
bool is_tracked_block(const void*);
// A realloc while memory is tracked, or of a block that is.
void* resize_tracked(Whose whose, void* block, size_t size, uintptr_t from, const AllocatorBehind&);
// Any block.
void free_tracked(void* block, const AllocatorBehind&);
size_t size_of_tracked(void* block, const AllocatorBehind&);

}  // namespace pollux::explore
