// SPDX-License-Identifier: MIT
// A window for debuggers and monitors. Nothing here is needed to use the runtime.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netpoll {

// Where the poll descriptors of one Runtime live: `count_max` slots, `stride` bytes apart, from
// `base` on. The mapping stays in place for the life of the Runtime. Slots never used read as zero.
// At rg_offset and wg_offset of each is the 64-bit word in which a reader or writer parks:
// 0 nobody, 1 ready, 2 about to park, anything else the address of the parked goroutine.
struct PollDescRegion {
  uintptr_t base = 0;
  size_t stride = 0;
  uint32_t count_max = 0;
  size_t rg_offset = 0;
  size_t wg_offset = 0;
};

// Counters; each is exact only while nothing runs.
struct RuntimeCounters {
  uint32_t netpoll_waiters = 0;  // goroutines parked on a descriptor; may read -1 for an instant
  uint32_t pipe_waiters = 0;     // goroutines parked in a pipe() or a race of dials; likewise
  uint32_t live_poll_descs = 0;  // descriptors registered with epoll, and two for each pipe()
  uint32_t made_poll_descs = 0;  // poll_descs that exist, live or kept for reuse
  uint32_t armed_timers = 0;     // deadlines and sleeps not yet due
  uint64_t live_goroutines = 0;
};

}  // namespace netpoll
