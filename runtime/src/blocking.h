// SPDX-License-Identifier: MIT
// Threads for calls that block: what netpoll::blocking runs on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "src/park.h"

namespace netpoll {

class scheduler;

class blocking_pool {
 public:
  explicit blocking_pool(scheduler& s) : sched_(s) {}

  // Runs fn(arg) on a thread of the pool and parks the calling goroutine until it has returned.
  // There are as many threads as there were calls at one time.
  void run(void (*fn)(void*), void* arg);
  // Calls in progress: goroutines that something outside the scheduler will wake.
  uint32_t active() const { return active_.load(); }
  // Ends the threads. No call may be in progress.
  void join();

 private:
  struct call {
    call(void (*f)(void*), void* a) : fn(f), arg(a) {}
    void (*const fn)(void*);
    void* const arg;
    call* next = nullptr;
    park_slot slot;
  };
  void thread_main();

  scheduler& sched_;
  std::atomic<uint32_t> active_{0};  // seq_cst: faces scheduler::check_dead

  std::mutex lock_;  // guards the rest
  std::condition_variable work_;
  call* first_ = nullptr;
  call* last_ = nullptr;
  uint32_t queued_ = 0;
  uint32_t idle_ = 0;
  bool quit_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace netpoll
