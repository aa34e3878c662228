// SPDX-License-Identifier: MIT
//
// The second backend: each virtual thread runs on an OS thread of its own, its donor's, and they
// take turns. Selected by SchedulerOptions::real_threads.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace pollux::explore {

inline constexpr size_t kRestStackSize = 16 << 10;

// An OS thread that takes turns.
struct TurnTaker {
  pid_t tid = 0;
  uint32_t turn = 0;           // futex; 1: it is this one's turn
  void* rest_stack = nullptr;  // where it goes on resting
  void* stack = nullptr;       // what it goes on with at its turn
  TurnTaker* next = nullptr;   // whose turn it is once this one rests
  uint64_t run = 0;            // for which its signals are set up
};

// On a stack of its own: sleeps, but for its turns. Does not return. Touches no TLS, since with
// fibers another OS thread runs with it.
void take_turns(void* turn_taker);

// The calling OS thread begins a run; it has the first turn.
void begin_turns();

// A SwitchFunction.
void switch_by_turn(void** save, void* stack, uintptr_t thread_pointer);

}  // namespace pollux::explore
