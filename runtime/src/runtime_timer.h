// SPDX-License-Identifier: MIT
// A timer that users hold: counted, because its callback may be on its way when they let go of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "src/timer.h"

namespace netpoll {

class scheduler;

class runtime_timer {
 public:
  runtime_timer(const runtime_timer&) = delete;
  runtime_timer& operator=(const runtime_timer&) = delete;

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }  // the caller has one
  void release();

  // Arms it, or moves it, to fire at `when` and from then on every `period`, unless that is 0. True
  // if it was armed (or fired and take_back() got it back).
  bool reset(int64_t when, int64_t period);
  // True if it was armed (or take_back()).
  bool stop();

 protected:
  explicit runtime_timer(scheduler& s) : sched_(&s) {}  // with one reference, the caller's
  virtual ~runtime_timer() = default;

  // It is due; `seq` tells which arming this is. On a worker, with no lock held.
  virtual void fire(uint64_t seq) = 0;
  // Called with lock_ held, when stopped or moved: undoes a firing that nobody has noticed yet.
  virtual bool take_back() { return false; }
  bool is_current(uint64_t seq) const { return seq == seq_; }  // needs lock_

  std::mutex lock_;
  scheduler* sched_;  // null after the Runtime has gone; lock_

 private:
  static void due(void* self, uint64_t seq);
  void arm(int64_t when);

  // One for each handle, one for each callback that will come: a place in a heap turns into a
  // callback on its way, or is taken out by stop().
  std::atomic<uint32_t> references_{1};
  // Guarded by lock_.
  timer timer_;
  uint64_t seq_ = 0;  // raised by reset and stop: callbacks on their way are too late
  bool armed_ = false;
  int64_t when_ = 0;
  int64_t period_ = 0;
};

}  // namespace netpoll
