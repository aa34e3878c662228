// SPDX-License-Identifier: MIT
// Waiting between goroutines of one Runtime. Blocking calls park the goroutine, not the worker
// thread, and must be made from inside a goroutine. The calls that never block (add, done, release)
// may come from any thread while the Runtime runs; but a Runtime whose goroutines all wait for
// another thread looks deadlocked, and says so by aborting (see Runtime::run). The waiters must
// have left before the object is destroyed.
#pragma once

#include <cstdint>
#include <mutex>

namespace netpoll {

namespace detail {
struct sync_waiter;
// First come, first served. Guarded by the lock of the object it is part of.
struct sync_waiter_queue {
  sync_waiter* head = nullptr;
  sync_waiter* tail = nullptr;
};
}  // namespace detail

// A counting semaphore, initially 0 unless told otherwise. A released token goes straight to the
// goroutine that has waited longest.
class Semaphore {
 public:
  explicit Semaphore(uint32_t initial = 0) : count_(initial) {}
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  void acquire();
  void release();
  // Tokens nobody has taken yet; for tests and monitors.
  uint32_t tokens() const;

 private:
  mutable std::mutex lock_;
  uint32_t count_;
  detail::sync_waiter_queue waiters_;
};

// Waits for a number of goroutines to finish: add before starting them, done in each, wait for all.
// wait() returns when the count is 0; a count below 0 is a fatal error. May be reused after that.
class WaitGroup {
 public:
  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;
  ~WaitGroup();

  void add(int n);
  void done() { add(-1); }
  void wait();

 private:
  std::mutex lock_;
  int64_t count_ = 0;
  detail::sync_waiter_queue waiters_;
};

}  // namespace netpoll
