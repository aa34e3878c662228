// SPDX-License-Identifier: MIT
//
// What happens before what in the run, as the C++ memory model and POSIX have it, and with it data
// races and what a load may read.
//
// Off by default: each hook below is then one load and a branch not taken. Runs in which
// SchedulerOptions::races is set keep a vector clock for each thread, the release views of
// atomics and thread objects, and who accessed which bytes (race_shadow.h); with `weak_memory` also
// a bounded history of the stores to each atomic (atomic_history.h), and a load may read an old
// one. harness/docs/memory-model.md says what that covers.
//
// Called on the carrier, gate open or closed.
#pragma once

#include <cstdint>

#include "explore/state.h"
#include "explore/vector_clock.h"

namespace pollux::explore {

// std::memory_order's numbers, as compilers pass them; they may set bits above.
enum class Order : uint8_t { relaxed, consume, acquire, release, acq_rel, seq_cst };
inline Order order_of(int argument) { return static_cast<Order>(argument & 0xFF); }
inline bool acquires(Order order) {
  return order != Order::relaxed && order != Order::release;  // consume counts as acquire
}
inline bool releases(Order order) { return order >= Order::release; }

struct ThreadOrder {
  View now;
  View released;               // at its last release fence: what its relaxed stores pass on
  View pending;                // what its relaxed loads saw, to be acquired by a fence
  uint32_t spurious_failures;  // of weak compare-exchanges, in a row
};

// --- For the hooks of the program's code (tsan_abi.cc); races are on.

void order_fence(Order);
// Between two plain steps: the thread's later ones belong to a new epoch.
void new_epoch();

// --- For the objects that threads synchronise by. What was done before a release_to() happens
// before what is done after an acquire_from() the same object that comes later.

void slow_acquire_from(const volatile void* object);
void slow_release_to(const volatile void* object);
inline void acquire_from(const volatile void* object) {
  if (__builtin_expect(state.races, 0)) slow_acquire_from(object);
}
inline void release_to(const volatile void* object) {
  if (__builtin_expect(state.races, 0)) slow_release_to(object);
}

// --- For threads.

void begin_order();                        // of a run
void order_created(Actor by, Actor whom);  // by kNetwork: before the run
void order_joined(Actor ended, Actor by);

// --- For the parts of the detector.

Tag current_tag();
ThreadOrder& current_order();
uint32_t fences();                      // seq_cst ones so far
const VectorClock& at_fence(uint32_t);  // what happened before that fence or an earlier one
const char* name_of(Tag);

}  // namespace pollux::explore
