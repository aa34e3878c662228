// SPDX-License-Identifier: MIT
// A goroutine, and the list that threads goroutines through one of their own fields.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "src/sanitizer.h"
#include "src/stack.h"

namespace netpoll {

class scheduler;

// Who may move a goroutine between states:
//   idle -> runnable       the spawner
//   runnable -> running    the worker that took it from a queue
//   running -> waiting     that worker, on its own stack, once the goroutine's context is saved
//   waiting -> runnable    whoever took its address out of the slot it parked in (exactly one), or
//                          that worker when the commit callback declined to park
//   running -> runnable    that worker (yield)
//   running -> idle        that worker (end)
enum class g_status : uint32_t { idle, runnable, running, waiting };

// What a goroutine wants from the worker it has just switched to.
enum class g_request : uint8_t { none, park, yield, end };

// What a parked goroutine waits for. The names that people read are in goroutine_dump.cc.
enum class wait_reason : uint8_t {
  io,  // the argument of the commit is the slot of a poll_desc
  chan_send,
  chan_receive,
  chan_send_nil,
  chan_receive_nil,
  select,
  select_no_cases,
  sleep,  // the detail is when it ends
  semaphore,
  wait_group,
  mutex,
  rw_mutex_read,
  rw_mutex_write,
  cond,
  fd_lock,
  fd_close,
  blocking_call,
};

// The part of the C++ runtime's per-thread exception state that belongs to the goroutine: it may
// park inside a catch block and wake up on another thread.
struct exception_state {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

// Objects are owned by the scheduler for the life of the Runtime and reused, so a stale address
// still names a goroutine, never freed memory.
struct g {
  std::atomic<g_status> status{g_status::idle};
  g_request request = g_request::none;
  scheduler* sched = nullptr;
  g* link = nullptr;        // next in a run queue, a ready list or the free list
  void* context = nullptr;  // where to resume; valid while not running
  void (*start)(g*) noexcept = nullptr;
  // Runs on the worker's stack after the switch; false means "do not park after all". From the
  // moment it publishes the g's address another worker may be running the g.
  bool (*commit)(g*, void*) = nullptr;
  void* commit_arg = nullptr;
  // Valid while waiting, for the dump of goroutines. Plain: they are published with the status.
  wait_reason why = wait_reason::io;
  int64_t wait_detail = 0;
  int64_t parked_at = 0;  // nanotime() when its worker last read the clock: no later than the park
  uint64_t id = 0;        // 1 is the first of a Runtime; a new one for each use of this object
  stack stk;
  std::function<void()> fn;
  exception_state exceptions;
  sanitizer_fiber sanitizer;
};

// Singly linked through g::link; a g is on one list at a time, so lists move and are never copied.
class g_list {
 public:
  g_list() = default;
  g_list(g_list&& other) noexcept { append(other); }
  g_list& operator=(g_list&&) = delete;

  bool empty() const { return head_ == nullptr; }
  uint32_t size() const { return size_; }
  g* front() const { return head_; }

  void push_front(g* gp) {
    gp->link = head_;
    head_ = gp;
    if (!tail_) tail_ = gp;
    size_++;
  }
  void push_back(g* gp) {
    gp->link = nullptr;
    (tail_ ? tail_->link : head_) = gp;
    tail_ = gp;
    size_++;
  }
  g* pop_front() {
    g* gp = head_;
    if (!gp) return nullptr;
    head_ = gp->link;
    if (!head_) tail_ = nullptr;
    gp->link = nullptr;
    size_--;
    return gp;
  }
  // Moves all of `other` to the end of this list.
  void append(g_list& other) {
    if (other.empty()) return;
    (tail_ ? tail_->link : head_) = other.head_;
    tail_ = other.tail_;
    size_ += other.size_;
    other.head_ = other.tail_ = nullptr;
    other.size_ = 0;
  }

 private:
  g* head_ = nullptr;
  g* tail_ = nullptr;
  uint32_t size_ = 0;
};

}  // namespace netpoll
