// SPDX-License-Identifier: MIT
// A worker thread and its run queue (Go's M and P in one: a worker that blocks in the poller or
// sleeps is what Go calls an M without P).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "src/g.h"
#include "src/run_queue.h"
#include "src/timer.h"

namespace netpoll {

class scheduler;

// A binary semaphore for threads.
class note {
 public:
  void wake() {
    {
      std::lock_guard<std::mutex> hold(lock_);
      set_.store(true);
    }
    cv_.notify_one();
  }
  void sleep() {
    std::unique_lock<std::mutex> hold(lock_);
    cv_.wait(hold, [this] { return set_.load(); });
  }
  void clear() { set_.store(false); }
  bool is_set() const { return set_.load(); }

 private:
  std::mutex lock_;
  std::condition_variable cv_;
  std::atomic<bool> set_{false};  // seq_cst: faces worker::polling, see scheduler::wake_worker
};

struct worker {
  worker(scheduler& s, int i) : sched(s), index(i), random(0x9e3779b97f4a7c15u * (i + 1)) {}

  scheduler& sched;
  const int index;

  // Used by the worker's thread only.
  g* current = nullptr;                   // the goroutine it runs
  void* context = nullptr;                // its own stack, while a goroutine runs
  exception_state* exceptions = nullptr;  // of its thread
  sanitizer_fiber sanitizer;
  uint32_t tick = 0;  // goroutines run so far
  uint64_t random;    // xorshift state; seeded by the index so that runs repeat
  int64_t clock = 0;  // nanotime() when it last had a reason to ask

  // Looking for work, and counted in scheduler::nmspinning_. The worker's own while it is awake;
  // set by the waker (under the scheduler's lock) while it is on the idle list.
  bool spinning = false;
  bool idle = false;                 // on the idle list; scheduler's lock
  std::atomic<bool> polling{false};  // in, or entering, the blocking poll
  note wakeup;

  run_queue queue;
  timer_heap timers;
  std::thread thread;

  uint32_t next_random() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return static_cast<uint32_t>(random >> 32);
  }
};

}  // namespace netpoll
