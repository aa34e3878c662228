// SPDX-License-Identifier: MIT
//
// The explorer's state, and the scheduling point that everything is built on. Private to
// harness/explore.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <vector>

#include <unwind.h>

#include "explore/access.h"
#include "explore/donor.h"
#include "explore/never_destroyed.h"
#include "explore/program_scope.h"
#include "explore/scheduler.h"
#include "explore/signals.h"
#include "explore/switch.h"
#include "pollux/shim/gate.h"
#include "pollux/world.h"
#include "trace/recorder.h"

namespace pollux::explore {

// Kinds of steps in the hash.
enum class Kind : uint8_t {
  read = 1,
  write,
  volatile_read,
  volatile_write,
  atomic_load,
  atomic_store,
  atomic_rmw,
  atomic_cas,
  fence,
  call,
  thread_start,
  thread_end,
  choice = 0xC0,
  switched = 0x57,
  jumped = 0x7A,
  turn = 0x7B,  // of another process of the run
};
constexpr uint64_t tagged(Kind kind, uint64_t value) {
  return (static_cast<uint64_t>(kind) << 56) ^ value;
}

enum class ThreadState : uint8_t { free, runnable, blocked, done };

struct Context {
  void* stack = nullptr;  // valid while suspended
  uintptr_t thread_pointer = 0;
};

struct Thread {
  struct Destructor {
    void (*function)(void*);
    void* object;
  };

  ThreadState state = ThreadState::free;
  Why why = Why::nothing;
  bool woken = false;        // by wake*(), not by its deadline
  bool interrupted = false;  // by a signal
  Interruption interruption = Interruption::none;
  bool detached = false;
  bool added = false;      // by spawn(): the run lasts until these have returned
  bool held = false;       // in hold_up()
  bool stopped = false;    // its host went down: it never runs again
  bool abandoned = false;  // its donor's keys still hold values
  unsigned no_preempt = 0;
  unsigned unheard = 0;  // so many of its next yields return at once
  const void* object = nullptr;
  uint64_t arrival = 0;     // order among those that wait
  uint64_t generation = 0;  // of its waits: an old deadline is ignored
  uint32_t futex_bits = 0;
  unsigned host = 0;
  Donor* donor = nullptr;  // null: the adopted main thread
  void* (*start)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  std::jmp_buf* base = nullptr;  // where pthread_exit lands
  void* base_frame = nullptr;
  _Unwind_Exception exit_exception = {};
  std::vector<Destructor> destructors;  // of thread_local objects, innermost last
  char name[32] = {};
};

struct State {
  // What a point touches.
  uint64_t candidates = 0;  // other threads that could run, and kNobody; 0 while preemption is off
  uint64_t points = 0;
  uint64_t points_check = 0;  // look closer when `points` gets there
  uintptr_t code_base = 0, code_size = 0;
  Actor current = 0;
  bool slice_over = false;  // it is time for another process of the run
  bool plain_points = false;
  bool races = false;        // accesses are checked (happens_before.h)
  bool plain_hooks = false;  // either: a plain access is more than nothing
  bool weak_memory = false;
  AccessObserver* observer = nullptr;  // who wants to know what steps touch, mostly nobody
  uintptr_t watch_base = 0, watch_length = 0;
  SwitchFunction switch_to = nullptr;

  uint64_t runnable = 0;  // bit per thread
  uint64_t switches = 0;
  Context contexts[kThreadsMax];
  Choices choices;
  Timeline timeline;
  Thread threads[kThreadsMax];
  unsigned thread_count = 0;  // slots in use or used in this run
  bool forked = false;        // there is, or has been, another process of the run
  unsigned added_alive = 0;
  unsigned held = 0;  // threads that are held up
  uint64_t arrivals = 0;

  bool on = false;
  SchedulerOptions options = {};
  Context driver;
  ProcessEnd process_end = nullptr;
  Verdict verdict = Verdict::held;
  AtomicWatcher watcher = nullptr;
  void* watcher_context = nullptr;
  WordNames word_names = nullptr;
};

extern NeverDestroyed<State> state_storage;
static constexpr State& state = state_storage.value;

constexpr uint64_t bit(Actor id) { return uint64_t{1} << id; }
inline Thread& current() { return state.threads[state.current]; }

// --- scheduler.cc
[[noreturn]] void time_is_used_up();
// Ends the run then.
inline void check_time() {
  if (__builtin_expect(state.timeline.now() > state.options.time_max, 0)) time_is_used_up();
}
void recompute_candidates();
void make_runnable(Actor, bool woken);
// Gate closed. The current thread goes on after the switch; no choice is asked.
void switch_to(Actor next);
// Gate closed. kNobody was chosen.
void hold_up();
// The current thread can not go on: somebody else does, at the latest when time has moved.
void leave_carrier();
// Of `mask`, which is not empty: the first after the current thread.
Actor next_in_turn(uint64_t mask);
// Waiters for (why, object) by arrival; returns how many.
unsigned waiters(Why, const void* object, Actor (&found)[kThreadsMax]);
unsigned wake_chosen(Actor (&waiters)[kThreadsMax], unsigned waiting, unsigned count, Site);

// --- fairness.cc
void begin_fairness();
// A thread was switched to, or the one that runs has been looked at: when to look (again).
void arm_fairness();
// `points_check` was reached. Closes the gate itself.
void look_closer();
void somebody_blocked();
// The points since it was called last made nobody block.
void note_fruitless_work();
// The current thread gave way: to somebody, or (a second call) to nobody.
void note_yield();
void note_yield_alone();

// --- signals.cc
SignalSource* signal_source();
// Waits for these end in the middle of a call of ours, which goes on when handlers have run.
bool is_thread_object(Why);
// Handlers of the current thread run, if there is something to take and it may.
Interruption take_signals();

// --- processes.cc
// Is another process of the run due before anything here is?
bool turn_is_anothers();
// The other one goes on; `due` is when this one has something to do. Comes back with the turn.
void give_turn_away(Time due);
// This process goes on: for how long while others are due?
void begin_slice();
// In a child: nothing is due in any process. The root ends the run, unless it has something to say.
void nothing_can_happen_here();

// --- thread_life.cc
// Gate closed. The lowest free slot; kNetwork when there is none or no donor to be had.
Actor create_thread(const char* name, unsigned host, void* (*start)(void*), void* argument,
                    bool detached);
void free_thread(Actor);

// --- The point.

__attribute__((noinline)) inline void preempt(Actor next) {
  shim::HarnessScope scope;
  if (next == kNobody) {
    hold_up();
  } else {
    switch_to(next);
  }
}

// Counts, mixes, and lets the choices decide who goes on. `where` is the same in each process.
inline void point_at(uint64_t where) {
  trace::recorder.mix(where);
  if (__builtin_expect(++state.points >= state.points_check, 0)) look_closer();
  Actor next = state.choices.choose_thread(site::kPoint, state.candidates, state.current);
  if (__builtin_expect(next != state.current, 0)) preempt(next);
}

// So far in this run there is nobody beside the current thread. What it does with thread objects
// needs no point: until its next call nothing can happen in between that it could notice.
inline bool alone() { return state.thread_count == 1 && !state.forked; }
// What is left of a point then: a thread that never ends has to be found out.
inline void count_alone() {
  if (__builtin_expect(++state.points >= state.points_check, 0)) look_closer();
}

// The same in front of an access, when there is an observer.
void observed_point(uint64_t where, Object object, bool writes);
// In front of nothing that another thread could notice.
inline void own_point(uint64_t where) {
  if (__builtin_expect(state.observer != nullptr, 0)) {
    observed_point(where, kNoObject, false);
  } else {
    point_at(where);
  }
}
// call_point() for an object other than the kernel.
void access_point(uint64_t place, Object object);

// The current step reads or changes `object` beyond what its point announced.
inline void touch(Object object) {
  if (__builtin_expect(state.observer != nullptr, 0)) {
    state.observer->touched(state.current, object, true);
  }
}

uint64_t slow_place(uintptr_t code);
inline uint64_t place(uintptr_t code) {
  uint64_t relative = code - state.code_base;
  return __builtin_expect(relative < state.code_size, 1) ? relative : slow_place(code);
}

}  // namespace pollux::explore
