// SPDX-License-Identifier: MIT
// Waiters queue under the object's lock, release it, and then park; the wake-up may come before,
// during or after the park (park_slot). A waker unlinks waiters under the lock and wakes them after
// releasing it, and touches neither the object nor a waiter after waking it: both may be gone.
#include "netpoll/sync.h"

#include <utility>

#include "netpoll/go.h"
#include "src/fatal.h"
#include "src/park.h"
#include "src/wait_queue.h"

namespace netpoll {

Semaphore::~Semaphore() {
  if (waiters_.head) fatal("Semaphore destroyed while goroutines wait");
}

void Semaphore::acquire() { acquire_for(wait_reason::semaphore); }

void Semaphore::acquire_for(wait_reason why) {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (count_ > 0) {
      count_--;
      return;
    }
    detail::push(waiters_, &w);
  }
  w.slot.wait(why);
}

bool Semaphore::try_acquire() {
  std::lock_guard<std::mutex> hold(lock_);
  if (count_ == 0) return false;
  count_--;
  return true;
}

void Semaphore::release() {
  detail::sync_waiter* w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    w = detail::pop(waiters_);
    if (!w) count_++;
  }
  if (w) w->slot.wake();
}

uint32_t Semaphore::tokens() const {
  std::lock_guard<std::mutex> hold(lock_);
  return count_;
}

WaitGroup::~WaitGroup() {
  if (waiters_.head) fatal("WaitGroup destroyed while goroutines wait");
}

void WaitGroup::add(int n) {
  detail::sync_waiter_queue woken;
  {
    std::lock_guard<std::mutex> hold(lock_);
    count_ += n;
    if (count_ < 0) fatal("negative WaitGroup counter");
    if (count_ == 0) woken = std::exchange(waiters_, {});
  }
  detail::wake_all(woken);
}

void WaitGroup::wait() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (count_ == 0) return;
    detail::push(waiters_, &w);
  }
  w.slot.wait(wait_reason::wait_group);
}

void WaitGroup::go(std::function<void()> fn) {
  add(1);
  netpoll::go([this, fn = std::move(fn)] {
    fn();
    done();
  });
}

}  // namespace netpoll
