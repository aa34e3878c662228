// SPDX-License-Identifier: MIT
//
// Goroutines as threads: enough of a scheduler for the protocols of the runtime (poll_desc,
// fd_mutex, deadlines, the poller) to run without workers, queues and stealing. What is left of a
// program is then the protocol and little else, small enough to be explored completely.
//
// A goroutine is a thread that calls enter(). It parks on a semaphore of its own, after the commit
// callback took, as a worker would call it. The rules that scheduler.cc keeps are kept: `waiting`
// before the commit, and waiting -> runnable exactly once per park.
#pragma once

#include <semaphore.h>

#include "models/slot_monitor.h"
#include "src/g.h"
#include "src/scheduler.h"

namespace pollux::properties {

// One per run; scheduler's methods find it.
class GoroutineThreads {
 public:
  GoroutineThreads();
  ~GoroutineThreads();
  GoroutineThreads(const GoroutineThreads&) = delete;
  GoroutineThreads& operator=(const GoroutineThreads&) = delete;

  netpoll::scheduler& scheduler() { return scheduler_; }
  netpoll::timer_heap& timers() { return timers_; }

  // The monitor of the park slots (models/slot_monitor.h) looks at this run's from here on.
  void watch_slots();

  // What a worker does between two goroutines: polls, makes ready what became ready, runs what is
  // due.
  void poll(int64_t delay);

 private:
  netpoll::scheduler scheduler_;
  netpoll::timer_heap timers_;
  SlotRegion slots_;  // for the monitor, which keeps its address
};

// Lives on the stack of the thread that is the goroutine.
class Goroutine : public netpoll::g {
 public:
  explicit Goroutine(GoroutineThreads&);
  ~Goroutine();
  Goroutine(const Goroutine&) = delete;
  Goroutine& operator=(const Goroutine&) = delete;

  sem_t wake;
};

}  // namespace pollux::properties
