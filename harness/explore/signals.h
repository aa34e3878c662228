// SPDX-License-Identifier: MIT
//
// Signals, as far as virtual threads are concerned: which thread has one to take, and how its wait
// ends for it. Which signals there are, and what they do, is the twin's business
// (kernel/signals.h).
//
// A thread takes signals itself, never in the middle of anything: before and after a call into the
// twin, in front of an operation on a thread object, and while it waits for one. A handler then
// runs on the thread's own stack, as program code.
//
// Threads: on the carrier, gate closed.
#pragma once

#include <cstdint>

#include "explore/scheduler.h"

namespace pollux::explore {

// ERESTARTSYS: what a call answers that a signal stopped and that SA_RESTART repeats. The program
// never sees it.
inline constexpr long kRestart = -512;

// What becomes of a wait in which handlers ran.
enum class Interruption : uint8_t {
  none,     // no handler ran
  restart,  // the first one was installed with SA_RESTART
  fail      // EINTR
};

class SignalSource {
 public:
  // Has the current thread really something to take? Corrects its bit.
  virtual bool pending() = 0;
  // It takes all of it. May end the run.
  virtual Interruption take() = 0;
  // pthread_kill: 0 or an errno.
  virtual int send(Actor, int signal) = 0;
  // A thread begins, with its creator's mask (kNetwork: made before the run), or is about to end.
  virtual void created(Actor creator, Actor) = 0;
  virtual void ended(Actor) = 0;

 protected:
  ~SignalSource() = default;
};
void set_signal_source(SignalSource*);

// A bit per thread that may have a signal to take (Linux's TIF_SIGPENDING).
extern uint64_t signalled_threads;
bool current_is_signalled();
inline bool signalled() {
  return __builtin_expect(signalled_threads != 0, 0) && current_is_signalled();
}
// signalled(), and there is one. A thread that is about to wait must not, then.
bool signal_pending();

// The thread may have a signal to take; its wait ends.
void interrupt(Actor);
// It has none any more.
void calm(Actor);

// Why the last block() of the current thread, on a thread object, came back.
Interruption last_interruption();

}  // namespace pollux::explore
