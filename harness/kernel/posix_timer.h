// SPDX-License-Identifier: MIT
//
// timer_create(2): timers of a process that send a signal.
//
// As in Linux a periodic timer stops when it fires and goes on when its signal is taken; what would
// have come meanwhile is its overrun. Its signal is queued even if one of that number is pending.
#pragma once

#include <csignal>
#include <cstdint>
#include <deque>

#include "pollux/choice.h"

namespace pollux::kernel {

struct PosixTimer {
  bool used = false;
  int clock = 0;
  int notify = 0;  // SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID
  Actor thread = 0;
  siginfo_t info = {};
  int64_t next = 0, interval = 0;  // ns of the run
  bool armed = false;
  bool queued = false;          // its signal is pending
  uint64_t queued_setting = 0;  // the setting that the signal is from
  uint64_t setting = 0;         // never goes back, so that a late timeline entry is recognised
  int overrun = 0;
};

// Of one process; addresses stay.
using PosixTimers = std::deque<PosixTimer>;

// The process is a new one.
void forget_timers(PosixTimers&);
// A signal of a timer was taken: fills in its overrun; a periodic timer goes on.
void timer_signal_taken(PosixTimers&, unsigned host, siginfo_t*);

}  // namespace pollux::kernel
