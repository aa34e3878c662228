// SPDX-License-Identifier: MIT
// The poll_descs of one Runtime: one reserved mapping, type-stable, recycled last in, first out.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "netpoll/debug.h"

namespace netpoll {

class scheduler;
struct poll_desc;

// alloc and free may be called from any thread. A poll_desc's memory stays a poll_desc for the life
// of the cache: an event or a timer callback that is late finds one, and sees by the generation
// that it is not meant.
class poll_cache {
 public:
  poll_cache(scheduler& s, uint32_t count_max);
  ~poll_cache();
  poll_cache(const poll_cache&) = delete;
  poll_cache& operator=(const poll_cache&) = delete;

  // Null if all are in use.
  poll_desc* alloc();
  // Starts pd's next generation and takes it back.
  void free(poll_desc* pd);
  // The one with this index; aborts if it was never handed out.
  poll_desc& at(uint32_t index);

  // The one that `slot` is the rg or the wg of; null if there is none.
  const poll_desc* owner(const void* slot) const;

  uint32_t live() const { return live_.load(); }
  uint32_t made() const { return made_.load(); }
  PollDescRegion region() const;

 private:
  friend class poll_batch;
  void take_back_freed();
  poll_desc* address(uint32_t index) const;

  scheduler& sched_;
  void* base_ = nullptr;
  const uint32_t count_max_;
  std::atomic<uint32_t> made_{0};  // indices below are constructed
  std::atomic<uint32_t> live_{0};
  std::atomic<uint32_t> batches_{0};  // polls that are applying events right now

  std::mutex lock_;             // guards the two lists; innermost
  poll_desc* free_ = nullptr;   // ready for reuse
  poll_desc* freed_ = nullptr;  // freed while a batch was in progress
};

// While one lives, no poll_desc freed since is reused.
class poll_batch {
 public:
  explicit poll_batch(poll_cache& polls) : polls_(polls) { polls_.batches_.fetch_add(1); }
  ~poll_batch() { polls_.batches_.fetch_sub(1); }
  poll_batch(const poll_batch&) = delete;
  poll_batch& operator=(const poll_batch&) = delete;

 private:
  poll_cache& polls_;
};

}  // namespace netpoll
