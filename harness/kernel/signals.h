// SPDX-License-Identifier: MIT
//
// Signals of a process and its threads, as the twin's files share them. The rules are told in
// signals.cc.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "explore/scheduler.h"
#include "explore/signals.h"
#include "kernel/posix_timer.h"
#include "kernel/state.h"

namespace pollux::kernel {

inline constexpr int kSignals = 64;  // _NSIG
inline constexpr size_t kSignalSetBytes = 8;

// The kernel's sigset_t: bit n - 1 is signal n.
using SignalSet = uint64_t;
constexpr SignalSet signal_bit(int signal) { return SignalSet{1} << (signal - 1); }
// Can be neither caught, blocked nor ignored.
inline constexpr SignalSet kUnblockable = signal_bit(SIGKILL) | signal_bit(SIGSTOP);

// What rt_sigaction(2) passes.
struct SignalAction {
  uintptr_t handler = 0;  // SIG_DFL is 0, SIG_IGN is 1
  unsigned long flags = 0;
  uintptr_t restorer = 0;
  SignalSet mask = 0;
};

// Signals that were sent and that nobody has taken.
class PendingSignals {
 public:
  SignalSet set() const { return set_; }
  // False: it is there already, and not of the kind that is queued (only real-time signals are).
  bool add(const siginfo_t&);
  // Takes the first one out of `wanted`.
  bool take(SignalSet wanted, siginfo_t*);
  void discard(SignalSet);

 private:
  SignalSet set_ = 0;
  std::vector<siginfo_t> queue_;  // in the order in which they came
};

struct ThreadSignals {
  SignalSet mask = 0;
  SignalSet awaited = 0;     // by sigtimedwait, which waits with them unblocked
  SignalSet saved_mask = 0;  // what a call with a mask of its own replaced, if `has_saved_mask`
  bool has_saved_mask = false;
  PendingSignals pending;
};

// setitimer(ITIMER_REAL)
struct IntervalTimer {
  Time next = 0;
  Time interval = 0;
  bool armed = false;
  uint64_t setting = 0;  // never goes back, so that a late timeline entry is recognised
};

struct ProcessSignals {
  SignalAction actions[kSignals] = {};
  SignalSet known = 0;  // actions that were looked at or set; the others are the real process's
  PendingSignals pending;
  IntervalTimer timer;
  PosixTimers timers;

  void reset() {
    forget_timers(timers);
    known = 0;
    pending.discard(~SignalSet{0});
    timer.armed = false;
    timer.interval = 0;
    ++timer.setting;
  }
};

// --- Life.

// A run begins; the signal source of the explorer is installed.
void reset_signals();
// The real process gets back what the run has changed of it.
void give_back_real_actions();

// --- Waiting. As explore::block, which every wait of the twin goes through, but does not begin
// while a signal is there to be taken.
bool sleep_on(explore::Why, const void* object, Time deadline);
// The result of a call that nothing but a signal ended: repeated after handlers with SA_RESTART,
// unless a timeout was set with SO_RCVTIMEO or SO_SNDTIMEO.
inline long interrupted(Time deadline) { return deadline == kNever ? explore::kRestart : -EINTR; }

// A mask that holds while one call waits (epoll_pwait, ppoll, pselect6). Null changes nothing.
class TemporaryMask {
 public:
  explicit TemporaryMask(const SignalSet* mask);
  // Call with the result: on EINTR the mask stays for the handlers and goes when they have run.
  long ends(long result);

 private:
  bool on_;
};

// Before and after a call. `result` is the call's; true: it must be made again.
void take_signals_before_call();
bool take_signals_after_call(long* result);

// --- Sending.

siginfo_t make_siginfo(int signal, int code);
void send_to_process(unsigned host, const siginfo_t&);
void send_to_thread(Actor, const siginfo_t&);
// SIGTERM, to a process that has a handler for it; false for any other.
bool ask_to_end(unsigned host);
// A write to a peer that is gone.
void send_sigpipe(const std::string& written_to);

// --- For the calls.

ProcessSignals& process_signals();
ThreadSignals& thread_signals(Actor);
inline ThreadSignals& own_signals() { return thread_signals(explore::current_thread()); }
// The live thread of this process that has the id; kNetwork: none. The id of the process is that of
// its main thread.
Actor thread_of_id(long tid);
void set_mask(SignalSet);  // of the current thread
SignalAction& action_of(ProcessSignals&, int signal);
void set_action(int signal, const SignalAction&);
// Takes one of `wanted` for the current thread.
bool take_signal(SignalSet wanted, siginfo_t*);
// Sent and not taken, as the current thread or, while nobody runs, its process sees it.
SignalSet pending_set(unsigned host);
std::string signal_name(int signal);

// --- interval_timer.cc
void set_timer(IntervalTimer&, unsigned host, Time wait, Time interval);
Time time_left(const IntervalTimer&);
// SIGALRM was taken: a periodic timer goes on (kernel dequeue_signal).
void restart_timer(IntervalTimer&, unsigned host);

// --- signalfd.cc
// A signal has become pending: tells the signalfds of the process that ask for it.
void wake_signalfds(unsigned host, int signal);

}  // namespace pollux::kernel
