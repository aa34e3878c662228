// SPDX-License-Identifier: MIT
//
// Fibers on borrowed thread control blocks are fast, and a trick. This backend does without: stack,
// thread control block and OS thread stay together, as libc has made them, and what the scheduler
// calls a switch is the passing of a turn. All else is the same code with the same choices, so a
// run has the same hash on both; where it has not, the trick shows, and that is a bug of ours.
//
// Each OS thread has two stacks: the one on which the virtual thread runs, and a small one on which
// it rests. It is in one of three states:
//
//   rests ---its turn: goes on where `stack` says--> runs
//     ^                                               |
//     |                                    switch_by_turn(): saves itself, changes to
//     |                                    the stack for resting
//     |                                               v
//     +---------------gives the turn to `next`--- has left
//
// The turn is given only after the stack was left. So whoever has the turn finds all others at
// rest, their stacks saved as the fibers' are, and may build new frames on them: a thread that a
// run abandoned in the middle needs nothing, its OS thread rests already and will go on with
// whatever the next run put there.
//
// The driver takes part like the others, on the stack that called run_to_end(), and so does the
// main thread in process mode, which is the same OS thread.
//
// Signals: handlers of the harness and of the program belong to who runs. Faults must reach them on
// each OS thread, so a donor unblocks those, and has the driver's alternate stack: only one can be
// on it. Everything else that the kernel sends to the process stays with the driver.
#include "explore/real_threads.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>

#include "explore/donor.h"
#include "explore/switch.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/shim/window.h"

namespace pollux::explore {
namespace {

struct Turns {
  TurnTaker* running = nullptr;
  TurnTaker driver;
  SwitchFunction change_stack = nullptr;
  stack_t alternate_stack = {};
  uint64_t run = 0;
};
constinit Turns turns;
alignas(16) char driver_rest_stack[kRestStackSize];

constexpr uint64_t mask_of(int signal) { return uint64_t{1} << (signal - 1); }
constexpr uint64_t kFaults = mask_of(SIGSEGV) | mask_of(SIGBUS) | mask_of(SIGFPE) |
                             mask_of(SIGILL) | mask_of(SIGTRAP) | mask_of(SIGSYS) |
                             mask_of(SIGABRT);
// Those that libc keeps for itself: setuid() waits until each thread has taken one (nptl(7)).
constexpr uint64_t kOfLibc = mask_of(32) | mask_of(33);

[[gnu::always_inline]] inline long word(const void* pointer) {
  return reinterpret_cast<long>(pointer);
}

[[gnu::always_inline]] inline void give_turn(TurnTaker& to) {
  __atomic_store_n(&to.turn, 1, __ATOMIC_RELEASE);
  shim::raw_system_call(SYS_futex, word(&to.turn), FUTEX_WAKE_PRIVATE, 1);
}

[[gnu::always_inline]] inline void await_turn(TurnTaker& own) {
  while (__atomic_load_n(&own.turn, __ATOMIC_ACQUIRE) == 0) {
    shim::raw_system_call(SYS_futex, word(&own.turn), FUTEX_WAIT_PRIVATE, 0, 0);
  }
  __atomic_store_n(&own.turn, 0, __ATOMIC_RELAXED);
}

[[gnu::always_inline]] inline void set_up_signals(TurnTaker& own) {
  if (own.run == turns.run) return;
  own.run = turns.run;
  uint64_t blocked = ~(kFaults | kOfLibc);
  shim::raw_system_call(SYS_rt_sigprocmask, SIG_SETMASK, word(&blocked), 0, sizeof blocked);
  shim::raw_system_call(SYS_sigaltstack, word(&turns.alternate_stack), 0);
}

}  // namespace

__attribute__((no_sanitize("address", "undefined"))) void take_turns(void* turn_taker) {
  TurnTaker& own = *static_cast<TurnTaker*>(turn_taker);
  for (;;) {
    if (TurnTaker* next = own.next; next != nullptr) {
      own.next = nullptr;
      give_turn(*next);
    }
    await_turn(own);
    set_up_signals(own);
    shim::pollux_run_carrier = own.tid;
    turns.change_stack(&own.rest_stack, own.stack, shim::thread_pointer());
  }
}

void begin_turns() {
  turns.change_stack = choose_switch();
  TurnTaker& driver = turns.driver;
  driver = {};
  driver.tid = static_cast<pid_t>(shim::raw_system_call(SYS_gettid));
  driver.rest_stack =
      make_context(driver_rest_stack + sizeof driver_rest_stack, take_turns, &driver);
  driver.run = ++turns.run;
  turns.running = &driver;
  shim::raw_system_call(SYS_sigaltstack, 0, word(&turns.alternate_stack));
}

void switch_by_turn(void** save, void* stack, uintptr_t thread_pointer) {
  TurnTaker& own = *turns.running;
  Donor* donor = donor_with(thread_pointer);
  TurnTaker& next = donor != nullptr ? donor->turns : turns.driver;
  next.stack = stack;
  own.next = &next;
  turns.running = &next;
  turns.change_stack(save, own.rest_stack, shim::thread_pointer());
}

}  // namespace pollux::explore
