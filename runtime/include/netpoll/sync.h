// SPDX-License-Identifier: MIT
// Waiting between goroutines of one Runtime. Blocking calls park the goroutine, not the worker
// thread, and must be made from inside a goroutine. The calls that never block (add, done, release,
// unlock, signal, ...) may come from any thread while the Runtime runs; but a Runtime whose
// goroutines all wait for another thread looks deadlocked, and says so by aborting (see
// Runtime::run). The waiters must have left before the object is destroyed. Misuse aborts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

namespace netpoll {

enum class wait_reason : uint8_t;

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
  bool try_acquire();
  void release();
  // Tokens nobody has taken yet; for tests and monitors.
  uint32_t tokens() const;

 private:
  friend class fd_mutex;
  friend class poll_fd;
  void acquire_for(wait_reason why);

  mutable std::mutex lock_;
  uint32_t count_;
  detail::sync_waiter_queue waiters_;
};

// Waits for a number of goroutines to finish: add before starting them, done in each, wait for all.
// wait() returns when the count is 0; a count below 0 is a fatal error. May be reused at once.
class WaitGroup {
 public:
  WaitGroup() = default;
  WaitGroup(const WaitGroup&) = delete;
  WaitGroup& operator=(const WaitGroup&) = delete;
  ~WaitGroup();

  void add(int n);
  void done() { add(-1); }
  void wait();
  // add(1), and a goroutine that runs `fn` and then calls done().
  void go(std::function<void()> fn);

 private:
  std::mutex lock_;
  int64_t count_ = 0;
  detail::sync_waiter_queue waiters_;
};

// Mutual exclusion between goroutines; std::lock_guard and std::unique_lock fit. Not recursive, and
// not owned: any goroutine may unlock it. unlock() hands the mutex to the goroutine that has waited
// longest, so nobody starves and nobody overtakes.
class Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex();

  void lock();
  bool try_lock();
  void unlock();

 private:
  void lock_slow();
  void unlock_slow();

  std::atomic<uint32_t> state_{0};  // see mutex.cc
  std::mutex lock_;                 // guards waiters_
  detail::sync_waiter_queue waiters_;
};

// Any number of readers or one writer. A writer that waits keeps new readers out, and a writer that
// leaves lets in all readers that wait: neither side starves the other. Hence no recursive reading.
class RWMutex {
 public:
  RWMutex() = default;
  RWMutex(const RWMutex&) = delete;
  RWMutex& operator=(const RWMutex&) = delete;
  ~RWMutex();

  void lock();
  bool try_lock();
  void unlock();
  void lock_shared();  // these names, so that std::shared_lock fits
  bool try_lock_shared();
  void unlock_shared();

 private:
  std::mutex lock_;
  uint32_t readers_ = 0;
  uint32_t readers_waiting_ = 0;
  bool writer_ = false;
  detail::sync_waiter_queue read_waiters_;
  detail::sync_waiter_queue write_waiters_;
};

// Runs a function once, whoever comes first; everybody else waits until it has run. A function that
// ends by an exception has not run, as with std::call_once.
class Once {
 public:
  Once() = default;
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  template <class F>
  void call(F&& fn) {
    if (done_.load(std::memory_order_acquire)) return;  // pairs with the store below
    std::lock_guard<Mutex> hold(mutex_);
    if (done_.load(std::memory_order_relaxed)) return;  // written under mutex_ only
    std::forward<F>(fn)();
    done_.store(true, std::memory_order_release);
  }

 private:
  std::atomic<bool> done_{false};
  Mutex mutex_;
};

// A place to wait for a condition that `mutex` guards.
class Cond {
 public:
  explicit Cond(Mutex& mutex) : mutex_(mutex) {}
  Cond(const Cond&) = delete;
  Cond& operator=(const Cond&) = delete;
  ~Cond();

  // The mutex must be held; it is released while waiting and held again afterwards. There are no
  // spurious wake-ups, but others may have had the mutex in between: look at the condition again.
  void wait();
  template <class Predicate>
  void wait(Predicate holds) {
    while (!holds()) wait();
  }
  void signal();     // wakes the goroutine that has waited longest, if there is one
  void broadcast();  // wakes all that wait now

 private:
  Mutex& mutex_;
  std::mutex lock_;
  detail::sync_waiter_queue waiters_;
};

}  // namespace netpoll
