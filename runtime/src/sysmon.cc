// SPDX-License-Identifier: MIT
// The monitor thread. Its one duty: while nobody has polled for 10 ms, poll, and wake a worker if a
// timer is due. A Runtime with one worker has no such thread: the worker looks at the clock itself
// (is_own_monitor_due in find_runnable.cc). So its process may have a single thread, which makes
// each system call cheaper: the kernel need not count references to the file, nor the C library
// prepare for a cancellation.
//
// It starts with rounds of 20 us and doubles up to 10 ms. When all workers are idle, and none has
// been anything else since the last round, it sleeps without limit: the worker in the blocking poll
// sees to I/O and timers, and a monitor that woke up by itself would keep an idle process from
// being idle. A worker that leaves the idle list wakes it:
//   worker:  npidle_ decremented, then load sysmon_asleep_
//   sysmon:  store sysmon_asleep_, then load npidle_
// seq_cst, so one of them sees the other. A server that is idle for an instant thousands of times a
// second never pays for that: its monitor sees the exits from idleness and keeps to its rounds. And
// only a sleep of 10 ms or more starts the doubling again.
#include <algorithm>

#include "src/clock.h"
#include "src/current.h"
#include "src/scheduler.h"

namespace netpoll {

namespace {
constexpr int64_t first_round = 20'000;  // ns
}  // namespace

void scheduler::sysmon_main() {
  set_current_scheduler(this);
  int64_t round = first_round;
  uint64_t exits_seen = 0;
  std::unique_lock<std::mutex> hold(sysmon_lock_);
  while (!sysmon_quit_) {
    const uint64_t exits =
        idle_exits_.load(std::memory_order_relaxed);  // a hint: any value is safe
    const bool quiet = exits == exits_seen;
    exits_seen = exits;
    sysmon_asleep_.store(quiet);
    if (quiet && npidle_.load() == workers_.size()) {
      const int64_t slept_from = nanotime();
      sysmon_cv_.wait(hold, [this] { return sysmon_quit_ || sysmon_woken_; });
      if (nanotime() - slept_from >= sysmon_period) round = first_round;
    }
    sysmon_asleep_.store(false);
    sysmon_woken_ = false;
    sysmon_cv_.wait_for(hold, std::chrono::nanoseconds(round), [this] { return sysmon_quit_; });
    if (sysmon_quit_) return;
    round = std::min(2 * round, sysmon_period);

    hold.unlock();
    const int64_t now = nanotime();
    int64_t last = last_poll_.load();
    // The CAS claims this poll: without it every round after the first 10 ms would poll.
    if (last != 0 && last + sysmon_period < now && last_poll_.compare_exchange_strong(last, now)) {
      netpoller::ready_list r = poller_.poll(polls_, 0);
      inject(std::move(r.list), nullptr, r.delta);
      // Who polls sees to the timers of all heaps. It may have come back with a goroutine that
      // keeps it, while the others sleep on their notes; one of them must take its place.
      const int64_t due = earliest_timer();
      if (due != 0 && due <= now) start_idle(1);
    }
    hold.lock();
  }
}

void scheduler::sysmon_stop() {
  {
    std::lock_guard<std::mutex> hold(sysmon_lock_);
    sysmon_quit_ = true;
  }
  sysmon_cv_.notify_one();
}

void scheduler::sysmon_wake() {
  {
    std::lock_guard<std::mutex> hold(sysmon_lock_);
    sysmon_woken_ = true;
  }
  sysmon_cv_.notify_one();
}

}  // namespace netpoll
