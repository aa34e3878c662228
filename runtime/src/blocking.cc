// SPDX-License-Identifier: MIT
// Go hands the P of a goroutine that enters a system call to another thread; the goroutine keeps
// its thread. Here the worker keeps its thread and the call goes to another one, because a
// goroutine's thread is its worker's. What matters is the same: the run queue, the timers and the
// poller's place of that worker are served while the call blocks, and when it returns the goroutine
// queues like any other. The price is two wake-ups of threads for each call, also for one that
// would not have blocked.
#include "src/blocking.h"

#include "netpoll/go.h"
#include "src/current.h"
#include "src/scheduler.h"

namespace netpoll {

void blocking_pool::run(void (*fn)(void*), void* arg) {
  call c{fn, arg};
  active_.fetch_add(1);
  {
    std::lock_guard<std::mutex> hold(lock_);
    (last_ ? last_->next : first_) = &c;
    last_ = &c;
    queued_++;
    if (queued_ > idle_) threads_.emplace_back([this] { thread_main(); });
  }
  work_.notify_one();
  c.slot.wait(wait_reason::blocking_call);
}

void blocking_pool::thread_main() {
  set_current_scheduler(&sched_);
  std::unique_lock<std::mutex> hold(lock_);
  for (;;) {
    idle_++;
    work_.wait(hold, [this] { return first_ || quit_; });
    idle_--;
    if (!first_) return;
    call* const c = first_;
    first_ = c->next;
    if (!first_) last_ = nullptr;
    queued_--;
    hold.unlock();
    c->fn(c->arg);
    c->slot.wake();  // c may be gone from here on
    // After the goroutine is in a queue: until then nothing else shows that it will go on. It may
    // have run and gone to sleep for ever meanwhile, and its worker was told to wait for us.
    if (active_.fetch_sub(1) == 1) sched_.check_dead();
    hold.lock();
  }
}

void blocking_pool::join() {
  {
    std::lock_guard<std::mutex> hold(lock_);
    quit_ = true;
  }
  work_.notify_all();
  for (auto& t : threads_) t.join();
  threads_.clear();
  quit_ = false;
}

void detail::run_blocking(void (*fn)(void*), void* arg) {
  scheduler::current("blocking called outside a goroutine").blocking_calls().run(fn, arg);
}

}  // namespace netpoll
