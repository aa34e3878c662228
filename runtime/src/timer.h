// SPDX-License-Identifier: MIT
// One-shot timers in per-worker heaps. What users see is in netpoll/time.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace netpoll {

class timer_heap;

// What a callback gets in the place of its timer's seq when the heap is dropped with the timer in
// it, at the end of the Runtime.
inline constexpr uint64_t timer_dropped = ~uint64_t{0};

// A timer is armed and stopped by one caller at a time (a poll_desc's lock, or the one goroutine
// that sleeps). `home` is written by that caller only; the rest is guarded by the home heap's lock.
struct timer {
  using callback = void (*)(void* arg, uint64_t seq);

  timer_heap* home = nullptr;  // the heap it is in or was in last
  int64_t when = 0;            // absolute, nanotime()
  callback fn = nullptr;
  void* arg = nullptr;
  uint64_t seq = 0;       // handed to fn, so that it can tell a stale call
  uint32_t position = 0;  // index in the heap + 1; 0: not in a heap
};

class timer_heap {
 public:
  // Inserts or moves `t`, which must not be in another heap. True if t is now the earliest and the
  // earliest time became earlier: then a sleeping poller may have to be told.
  bool arm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq);
  // Removes `t`; false, and no effect, if it is not in the heap. Does not wait for a callback
  // already started.
  bool stop(timer& t);
  // Moves `t` if it is still in this heap; false (and nothing done) if it is not. *earlier as arm.
  bool rearm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq, bool* earlier);
  // Runs, without the lock, the callbacks of all timers due at `now`; returns how many.
  int run(int64_t now);
  // Removes all timers, telling their callbacks so (timer_dropped).
  void drop_all();
  // When to run() next; 0 if there is no timer. Never later than the earliest timer is due, but
  // earlier if that one has been moved. Any thread, no lock.
  int64_t earliest() const { return earliest_.load(); }
  uint32_t size() const;

 private:
  struct entry {
    int64_t when;  // at most t->when: see rearm
    timer* t;
  };
  void place(uint32_t i, entry e);
  void sift_up(uint32_t i);
  void sift_down(uint32_t i);
  void remove(uint32_t i);
  void settle_first();
  bool publish_earliest();
  bool insert(timer& t);

  mutable std::mutex lock_;
  std::vector<entry> heap_;
  // A copy of heap_[0].when for readers without the lock. seq_cst: faces a worker that first gives
  // up being awake and then computes until when to sleep (wake_net_poller has the argument).
  std::atomic<int64_t> earliest_{0};
};

}  // namespace netpoll
