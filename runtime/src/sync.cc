// SPDX-License-Identifier: MIT
// Waiters queue under the object's lock, release it, and then park; the wake-up may come before,
// during or after the park (park_slot). A waker unlinks waiters under the lock and wakes them after
// releasing it, and touches neither the object nor a waiter after waking it: both may be gone.
#include "netpoll/sync.h"

#include <utility>

#include "src/fatal.h"
#include "src/park.h"

namespace netpoll {

namespace detail {

struct sync_waiter {
  park_slot slot;
  sync_waiter* next = nullptr;
};

namespace {

void push(sync_waiter_queue& q, sync_waiter* w) {
  (q.tail ? q.tail->next : q.head) = w;
  q.tail = w;
}

sync_waiter* pop(sync_waiter_queue& q) {
  sync_waiter* w = q.head;
  if (w && !(q.head = w->next)) q.tail = nullptr;
  return w;
}

}  // namespace
}  // namespace detail

Semaphore::~Semaphore() {
  if (waiters_.head) fatal("Semaphore destroyed while goroutines wait");
}

void Semaphore::acquire() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (count_ > 0) {
      count_--;
      return;
    }
    detail::push(waiters_, &w);
  }
  w.slot.wait();
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
  while (detail::sync_waiter* w = detail::pop(woken)) w->slot.wake();
}

void WaitGroup::wait() {
  detail::sync_waiter w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (count_ == 0) return;
    detail::push(waiters_, &w);
  }
  w.slot.wait();
}

}  // namespace netpoll
