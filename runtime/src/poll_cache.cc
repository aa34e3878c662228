// SPDX-License-Identifier: MIT
// Why a freed poll_desc may not be reused at once. A poll compares an event's generation with the
// poll_desc's and then acts on the poll_desc. If it were freed and handed out again between the
// two, the new user would get an event of the old one (Go lives with that: a spurious READY). So
//   free:  fdseq + 1, put it on freed_, then look whether batches_ is 0
//   poll:  batches_ + 1, then compare the generation
// all seq_cst. If free (or a later alloc) reads batches_ == 0 after pd's generation was raised,
// every batch that begins later sees the new generation, and every batch that began earlier has
// ended: pd may be reused. If it reads anything else, pd waits on freed_ until a later free or
// alloc reads 0. A batch is at most 128 events and never blocks, so that is soon. The price is the
// increment and the decrement for each poll: 4 ns together, beside 160 ns for an epoll_wait that
// finds nothing.
#include "src/poll_cache.h"

#include <sys/mman.h>

#include <cstddef>
#include <new>

#include "src/fatal.h"
#include "src/poll_desc.h"

namespace netpoll {

poll_cache::poll_cache(scheduler& s, uint32_t count_max) : sched_(s), count_max_(count_max) {
  if (count_max == 0 || count_max == UINT32_MAX) fatal("poll_descs_max is out of range");
  base_ = mmap(nullptr, size_t{count_max} * sizeof(poll_desc), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base_ == MAP_FAILED) fatal("cannot reserve memory for poll descriptors");
}

poll_cache::~poll_cache() {
  for (uint32_t i = 0; i < made_.load(); i++) address(i)->~poll_desc();
  munmap(base_, size_t{count_max_} * sizeof(poll_desc));
}

poll_desc* poll_cache::address(uint32_t index) const {
  return static_cast<poll_desc*>(base_) + index;
}

poll_desc* poll_cache::alloc() {
  std::lock_guard<std::mutex> hold(lock_);
  take_back_freed();
  poll_desc* pd = free_;
  if (pd) {
    free_ = pd->link;
  } else {
    const uint32_t index = made_.load(std::memory_order_relaxed);  // written under lock_ only
    if (index == count_max_) return nullptr;
    pd = new (address(index)) poll_desc(sched_, index);
    made_.store(index + 1);  // publishes the constructed object to at()
  }
  pd->link = nullptr;
  live_.fetch_add(1);
  return pd;
}

void poll_cache::free(poll_desc* pd) {
  pd->next_generation();
  std::lock_guard<std::mutex> hold(lock_);
  pd->link = freed_;
  freed_ = pd;
  take_back_freed();
  live_.fetch_sub(1);
}

void poll_cache::take_back_freed() {
  if (!freed_ || batches_.load() != 0) return;
  while (poll_desc* pd = freed_) {
    freed_ = pd->link;
    pd->link = free_;
    free_ = pd;
  }
}

poll_desc& poll_cache::at(uint32_t index) {
  if (index >= made_.load()) fatal("netpoll: an event for a descriptor never registered", index);
  return *address(index);
}

const poll_desc* poll_cache::owner(const void* slot) const {
  const uintptr_t distance = reinterpret_cast<uintptr_t>(slot) - reinterpret_cast<uintptr_t>(base_);
  if (distance / sizeof(poll_desc) >= made_.load()) return nullptr;
  const poll_desc* pd = address(static_cast<uint32_t>(distance / sizeof(poll_desc)));
  return slot == &pd->rg || slot == &pd->wg ? pd : nullptr;
}

PollDescRegion poll_cache::region() const {
  PollDescRegion r;
  r.base = reinterpret_cast<uintptr_t>(base_);
  r.stride = sizeof(poll_desc);
  r.count_max = count_max_;
  r.rg_offset = offsetof(poll_desc, rg);
  r.wg_offset = offsetof(poll_desc, wg);
  return r;
}

}  // namespace netpoll
