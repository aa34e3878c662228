// SPDX-License-Identifier: MIT
//
// Who accessed which bytes of memory in this run: two accesses of one byte by different threads, at
// least one of them a write and not both atomic, of which none happens before the other, are a data
// race ([intro.races]); it ends the run.
//
// For each eight bytes the accesses are kept that could still race with a later one: FastTrack's
// last write and reads since, told apart by the bytes that they touch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "explore/happens_before.h"

namespace pollux::explore {

struct AccessKind {
  bool writes;
  bool atomic;
};

// The current thread accesses [at, at + size) by the instruction in front of `code`.
void check_access(const volatile void* at, size_t size, AccessKind, uintptr_t code);

// In the runs from here on the stack of the access of that number is kept for the report of a race
// that it is the earlier party of (race_report.h). 0: of none, as in the beginning.
void keep_stack_of(uint32_t number);

void reset_race_shadow();
// [at, at + size) begins a new life: nothing that happened to it counts.
void forget_memory(const void* at, size_t size);
// The stack and the thread-local storage of that thread's donor do.
void forget_stack(Actor);

}  // namespace pollux::explore
