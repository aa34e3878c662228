// SPDX-License-Identifier: MIT
// A worker's run queue: a ring of 256 goroutines plus one that goes next.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/g.h"

namespace netpoll {

class run_queue {
 public:
  static constexpr uint32_t capacity = 256;

  // Owner only. Puts gp next (then whoever was next goes to the tail) or at the tail. If the ring
  // is full, half of it and the one too many are returned, for the global queue.
  [[nodiscard]] g_list put(g* gp, bool next);
  // Owner only. Puts as many of `list` as fit at the tail, in order; the rest stays in `list`.
  void put_batch(g_list& list);
  // Owner only.
  g* get();
  // Owner only. Takes half of the victim's ring, or its next one if `take_next` and the ring is
  // empty; returns one of them to run and keeps the others.
  g* steal_from(run_queue& victim, bool take_next);
  // Any thread. Sequentially consistent: the last look of a worker that goes idle.
  bool empty() const;

 private:
  uint32_t grab(run_queue& victim, uint32_t at, bool take_next);

  std::atomic<uint32_t> head_{0};  // advanced by the owner and by thieves, with CAS
  std::atomic<uint32_t> tail_{0};  // advanced by the owner
  std::atomic<g*> next_{nullptr};
  std::atomic<g*> ring_[capacity] = {};
};

}  // namespace netpoll
