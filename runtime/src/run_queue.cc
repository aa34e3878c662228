// SPDX-License-Identifier: MIT
// The ring is single producer (its owner), multiple consumer (owner and thieves).
//
// Orders. A producer fills ring_[tail] and then publishes it by the store of tail_; a consumer
// loads tail_ before it reads the entry. A consumer takes entries by the CAS of head_; the producer
// loads head_ (acquire) before it reuses an entry, so that reading and overwriting never meet.
// Entries are relaxed: these two pairs order them. The publishing stores (tail_, next_) are
// seq_cst, because "make work visible, then look whether somebody must be woken" (wakep) faces
// "declare oneself idle, then look for work" (find_runnable): store-then-load on both sides needs
// one total order.
#include "src/run_queue.h"

namespace netpoll {

g_list run_queue::put(g* gp, bool next) {
  if (next) {
    g* old = next_.exchange(gp);  // seq_cst: faces empty()
    if (!old) return {};
    gp = old;
  }
  const uint32_t head = head_.load(std::memory_order_acquire);  // pairs with the CAS in get, grab
  const uint32_t tail = tail_.load(std::memory_order_relaxed);  // only this thread writes it
  if (tail - head < capacity) {
    ring_[tail % capacity].store(gp, std::memory_order_relaxed);  // published by the next line
    tail_.store(tail + 1);                                        // seq_cst: faces empty()
    return {};
  }
  // Full: take the older half out. If thieves interfere there is room now; at most one retry each
  // time somebody else made progress.
  g_list overflow;
  g* taken[capacity / 2];
  for (uint32_t i = 0; i < capacity / 2; i++) {
    taken[i] = ring_[(head + i) % capacity].load(std::memory_order_relaxed);  // valid if CAS wins
  }
  uint32_t expected = head;
  // Release pairs with the acquire load of head_ in put: entries were read before they are reused.
  if (!head_.compare_exchange_strong(expected, head + capacity / 2, std::memory_order_release,
                                     std::memory_order_relaxed)) {
    return put(gp, false);
  }
  for (g* t : taken) overflow.push_back(t);
  overflow.push_back(gp);
  return overflow;
}

void run_queue::put_batch(g_list& list) {
  const uint32_t head = head_.load(std::memory_order_acquire);  // pairs with the CAS in get, grab
  uint32_t tail = tail_.load(std::memory_order_relaxed);        // only this thread writes it
  while (!list.empty() && tail - head < capacity) {
    ring_[tail++ % capacity].store(list.pop_front(), std::memory_order_relaxed);  // published below
  }
  tail_.store(tail);  // seq_cst: faces empty()
}

g* run_queue::get() {
  g* next = next_.load(std::memory_order_relaxed);  // a hint; the CAS below decides
  if (next && next_.compare_exchange_strong(next, nullptr)) return next;
  uint32_t head = head_.load(std::memory_order_acquire);  // pairs with the CAS of thieves
  for (;;) {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);  // only this thread writes it
    if (tail == head) return nullptr;
    g* gp = ring_[head % capacity].load(std::memory_order_relaxed);  // ours: no reuse before CAS
    // Release pairs with the acquire load of head_ in put.
    if (head_.compare_exchange_strong(head, head + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      return gp;
    }
  }
}

uint32_t run_queue::grab(run_queue& victim, uint32_t at, bool take_next) {
  for (;;) {
    uint32_t head = victim.head_.load(std::memory_order_acquire);  // pairs with other consumers
    const uint32_t tail = victim.tail_.load(std::memory_order_acquire);  // pairs with put's store
    uint32_t n = tail - head;
    n -= n / 2;
    if (n == 0) {
      if (!take_next) return 0;
      g* next = victim.next_.load(std::memory_order_acquire);  // pairs with put's exchange
      if (!next) return 0;
      if (!victim.next_.compare_exchange_strong(next, nullptr)) continue;
      ring_[at % capacity].store(next, std::memory_order_relaxed);  // our own ring; put orders it
      return 1;
    }
    if (n > capacity / 2) continue;  // head and tail were not from the same moment
    for (uint32_t i = 0; i < n; i++) {
      g* gp = victim.ring_[(head + i) % capacity].load(std::memory_order_relaxed);  // CAS decides
      ring_[(at + i) % capacity].store(gp, std::memory_order_relaxed);  // published by steal_from
    }
    // Release pairs with the acquire load of head_ in put: we have read before they are reused.
    if (victim.head_.compare_exchange_strong(head, head + n, std::memory_order_acq_rel,
                                             std::memory_order_relaxed)) {
      return n;
    }
  }
}

g* run_queue::steal_from(run_queue& victim, bool take_next) {
  const uint32_t tail = tail_.load(std::memory_order_relaxed);  // only this thread writes it
  uint32_t n = grab(victim, tail, take_next);
  if (n == 0) return nullptr;
  n--;
  g* gp = ring_[(tail + n) % capacity].load(std::memory_order_relaxed);  // just stored by grab
  if (n > 0) tail_.store(tail + n);                                      // seq_cst: faces empty()
  return gp;
}

bool run_queue::empty() const {
  // A put with `next` moves the previous next_ to the tail; looking at tail_ twice around next_
  // excludes seeing neither.
  for (;;) {
    const uint32_t head = head_.load();
    const uint32_t tail = tail_.load();
    g* const next = next_.load();
    if (tail == tail_.load()) return head == tail && next == nullptr;
  }
}

}  // namespace netpoll
