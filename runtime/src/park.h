// SPDX-License-Identifier: MIT
// The smallest wait: one goroutine, one wake-up, in either order.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/g.h"

namespace netpoll {

// Parks the running goroutine. After its context is saved, `commit(g, arg)` runs on the worker's
// stack; if it returns false the goroutine goes on at once. Aborts outside a goroutine. `why` and
// `detail` (see wait_reason) are for those who ask what everybody waits for.
void gopark(bool (*commit)(g*, void*), void* arg, wait_reason why = wait_reason::io,
            int64_t detail = 0);

// Makes a parked goroutine runnable. Any thread. Exactly once per park.
void goready(g* gp);

// Lives on the stack of the goroutine that waits. wake() may touch it up to its exchange, and the
// waiter does not return before that exchange, so the waiter may destroy it at once.
class park_slot {
 public:
  void wait(wait_reason why, int64_t detail = 0);  // once
  void wake();                                     // once, any thread

 private:
  static bool commit(g* gp, void* self);

  static constexpr uintptr_t nil = 0;
  static constexpr uintptr_t ready = 1;
  // nil -> g (commit) -> ready (wake), or nil -> ready (wake came first; the commit declines).
  std::atomic<uintptr_t> state_{nil};
};

}  // namespace netpoll
