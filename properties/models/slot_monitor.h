// SPDX-License-Identifier: MIT
//
// The park slots of a poll descriptor, watched from outside: every write must be a row of the
// protocol's table of transitions.
//
//   NIL   nobody waits, nothing pending          READY  a notification is pending
//   WAIT  a waiter is about to park              G      parked: the address of the goroutine
//
// The runtime carries no line for this: the harness sees the writes of instrumented code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pollux/world.h"

namespace pollux::properties {

enum class Slot : uint8_t { nil, ready, wait, parked };

constexpr Slot classify_slot(uint64_t word) {
  return word == 0 ? Slot::nil : word == 1 ? Slot::ready : word == 2 ? Slot::wait : Slot::parked;
}
const char* to_string(Slot);

// Is that write a row of the table? `is_store`: a plain store, which overwrites whatever another
// thread has put there meanwhile.
bool allowed(Slot from, Slot to, bool is_store);

// Where the slots are, as the runtime reports it.
struct SlotRegion {
  uintptr_t base = 0;
  size_t stride = 0;
  uint32_t count = 0;
  size_t reader_offset = 0;
  size_t writer_offset = 0;
  size_t fd_offset = 0;  // of the int that names the descriptor; 0: not known
};

// One line: which descriptor, direction, transition.
std::string describe_transition(const SlotRegion&, const AtomicAccess&);

// For reports: the slot at `address` with that value; without a name when that word is no slot.
WatchedWord describe_slot(const SlotRegion&, uintptr_t address, uint64_t value);

// True when `access` is to a slot of the region and its transition is not in the table.
bool breaks_table(const SlotRegion&, const AtomicAccess&);

// Watches the region until the end of the run; a transition outside of the table ends it with the
// property "slot-transition". `region` must outlive the run.
void watch_slots(const SlotRegion* region);

}  // namespace pollux::properties
