// SPDX-License-Identifier: MIT
//
// Memory that is lost: blocks that the program allocated in the run, and to which nothing points at
// its end. The meaning is LeakSanitizer's. A word of a root (memory_roots.h), or of a block that is
// found to be in use, keeps the block that it points into, or right behind; so do the kernel's
// words that it would give back (what epoll_ctl(2) was given, say).
//
// It costs nothing where it is not asked for; where it is, the program's memory comes from another
// heap (program_heap.h), and each allocation keeps its stack.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pollux::explore {

// False: the program's allocator is not ours, but a sanitizer's or one of its own executable; or
// there is no address space for another heap.
bool can_track_memory();
// A run begins, before its first allocation. Requires can_track_memory() and the gate closed.
void begin_tracking();
void end_tracking();

// What is lost as things are now? On the driver, or on the current thread of a run in process mode,
// whose registers must be on its stack from `stack` upwards. Gate closed.
void mark_lost_blocks(uintptr_t stack, const std::vector<uint64_t>& kept_by_kernel);

// Those that were marked and have not been freed since. The reason begins with the place where the
// first was allocated; nothing hangs on addresses.
struct LostMemory {
  std::string reason;   // one line
  std::string details;  // each place with its stack, a line per frame
};
std::optional<LostMemory> lost_memory();

}  // namespace pollux::explore
