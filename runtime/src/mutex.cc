// SPDX-License-Identifier: MIT
// Mutex. The state word says all that the fast paths need:
//   free -> held            lock, by compare-and-swap
//   held -> free            unlock, likewise
//   held -> contended       a goroutine that is about to queue
//   contended -> held, or stays contended   unlock: the mutex goes to the first in the queue, and
//                           is contended for as long as there are others
// The last two happen under lock_. A contended mutex is never free, so no newcomer overtakes the
// queue; and the queue is not empty while the mutex is contended and lock_ is not held.
//
// RWMutex is the plain monitor: every step under its lock_. An unlock hands over (readers_ or
// writer_ is set for those it wakes) instead of waking goroutines to compete.
#include <utility>

#include "netpoll/sync.h"
#include "src/fatal.h"
#include "src/wait_queue.h"

namespace netpoll {

namespace {
constexpr uint32_t mutex_free = 0;
constexpr uint32_t mutex_held = 1;
constexpr uint32_t mutex_contended = 2;
}  // namespace

Mutex::~Mutex() {
  if (waiters_.head) fatal("Mutex destroyed while goroutines wait");
}

bool Mutex::try_lock() {
  uint32_t expected = mutex_free;
  // Acquire pairs with the release in unlock; a hand-over is ordered by lock_ and the park.
  return state_.compare_exchange_strong(expected, mutex_held, std::memory_order_acquire,
                                        std::memory_order_relaxed);
}

void Mutex::lock() {
  if (!try_lock()) lock_slow();
}

void Mutex::lock_slow() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    uint32_t state = state_.load(std::memory_order_relaxed);  // the CASes below decide
    for (;;) {
      if (state == mutex_free) {
        if (state_.compare_exchange_weak(state, mutex_held, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
          return;
        }
      } else if (state == mutex_contended ||
                 state_.compare_exchange_weak(state, mutex_contended, std::memory_order_relaxed)) {
        break;
      }
    }
    detail::push(waiters_, &w);
  }
  w.slot.wait(wait_reason::mutex);  // whoever wakes us has made us the owner
}

void Mutex::unlock() {
  uint32_t expected = mutex_held;
  if (state_.compare_exchange_strong(expected, mutex_free, std::memory_order_release,
                                     std::memory_order_relaxed)) {
    return;
  }
  if (expected == mutex_free) fatal("unlock of unlocked mutex");
  unlock_slow();
}

void Mutex::unlock_slow() {
  detail::sync_waiter* w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    w = detail::pop(waiters_);
    if (!w) fatal("inconsistent mutex state");
    if (!waiters_.head) state_.store(mutex_held, std::memory_order_relaxed);
  }
  w->slot.wake();
}

RWMutex::~RWMutex() {
  if (read_waiters_.head || write_waiters_.head) fatal("RWMutex destroyed while goroutines wait");
}

void RWMutex::lock() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (!writer_ && readers_ == 0) {
      writer_ = true;
      return;
    }
    detail::push(write_waiters_, &w);
  }
  w.slot.wait(wait_reason::rw_mutex_write);
}

bool RWMutex::try_lock() {
  std::lock_guard<std::mutex> hold(lock_);
  if (writer_ || readers_ > 0) return false;
  writer_ = true;
  return true;
}

void RWMutex::unlock() {
  detail::sync_waiter_queue woken;
  detail::sync_waiter* next_writer = nullptr;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (!writer_) fatal("unlock of unlocked RWMutex");
    if (read_waiters_.head) {
      woken = std::exchange(read_waiters_, {});
      readers_ = std::exchange(readers_waiting_, 0);
      writer_ = false;
    } else {
      next_writer = detail::pop(write_waiters_);
      writer_ = next_writer != nullptr;
    }
  }
  if (next_writer) next_writer->slot.wake();
  detail::wake_all(woken);
}

void RWMutex::lock_shared() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (!writer_ && !write_waiters_.head) {
      readers_++;
      return;
    }
    detail::push(read_waiters_, &w);
    readers_waiting_++;
  }
  w.slot.wait(wait_reason::rw_mutex_read);
}

bool RWMutex::try_lock_shared() {
  std::lock_guard<std::mutex> hold(lock_);
  if (writer_ || write_waiters_.head) return false;
  readers_++;
  return true;
}

void RWMutex::unlock_shared() {
  detail::sync_waiter* next_writer = nullptr;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (readers_ == 0) fatal("unlock_shared of unlocked RWMutex");
    if (--readers_ > 0) return;
    next_writer = detail::pop(write_waiters_);
    writer_ = next_writer != nullptr;
  }
  if (next_writer) next_writer->slot.wake();
}

Cond::~Cond() {
  if (waiters_.head) fatal("Cond destroyed while goroutines wait");
}

void Cond::wait() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    detail::push(waiters_, &w);
  }
  mutex_.unlock();  // we are queued: a signal from here on is ours
  w.slot.wait(wait_reason::cond);
  mutex_.lock();
}

void Cond::signal() {
  detail::sync_waiter* w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    w = detail::pop(waiters_);
  }
  if (w) w->slot.wake();
}

void Cond::broadcast() {
  detail::sync_waiter_queue woken;
  {
    std::lock_guard<std::mutex> hold(lock_);
    woken = std::exchange(waiters_, {});
  }
  detail::wake_all(woken);
}

}  // namespace netpoll
