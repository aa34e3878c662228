// SPDX-License-Identifier: MIT
// Every operation is one compare-and-swap of the state word, retried when it lost a race.
//
// A goroutine that finds its lock taken adds itself to the waiter count and sleeps on the semaphore
// of its direction. Whoever unlocks takes one off the count and releases one token; the woken
// goroutine starts over, competing with newcomers (no hand-off). Closing takes all off both counts
// and releases as many tokens; they start over and find the closed bit. So tokens released always
// equal waiters counted off, and at rest there are none.
//
// The word is the only thing that orders: whoever sees "closed and no references" sees everything
// that the users before it have done, because each of them went through the word.
#include "src/fd_mutex.h"

#include "src/fatal.h"
#include "src/g.h"

namespace netpoll {

namespace {

constexpr uint64_t closed_bit = 1u << 0;
constexpr uint64_t read_lock = 1u << 1;
constexpr uint64_t write_lock = 1u << 2;
constexpr uint64_t ref = 1u << 3;
constexpr uint64_t ref_mask = ((uint64_t{1} << 20) - 1) << 3;
constexpr uint64_t read_wait = uint64_t{1} << 23;
constexpr uint64_t read_wait_mask = ((uint64_t{1} << 20) - 1) << 23;
constexpr uint64_t write_wait = uint64_t{1} << 43;
constexpr uint64_t write_wait_mask = ((uint64_t{1} << 20) - 1) << 43;

constexpr const char* overflow =
    "too many concurrent operations on a single file or socket (max 1048575)";
constexpr const char* inconsistent = "inconsistent poll.fdMutex";

}  // namespace

bool fd_mutex::incref() {
  uint64_t old = state_.load();
  for (;;) {
    if (old & closed_bit) return false;
    const uint64_t next = old + ref;
    if ((next & ref_mask) == 0) fatal(overflow);
    if (state_.compare_exchange_weak(old, next)) return true;
  }
}

bool fd_mutex::incref_and_close() {
  uint64_t old = state_.load();
  for (;;) {
    if (old & closed_bit) return false;
    uint64_t next = (old | closed_bit) + ref;
    if ((next & ref_mask) == 0) fatal(overflow);
    next &= ~(read_wait_mask | write_wait_mask);
    if (!state_.compare_exchange_weak(old, next)) continue;
    for (; old & read_wait_mask; old -= read_wait) read_sem_.release();
    for (; old & write_wait_mask; old -= write_wait) write_sem_.release();
    return true;
  }
}

bool fd_mutex::decref() {
  uint64_t old = state_.load();
  for (;;) {
    if ((old & ref_mask) == 0) fatal(inconsistent);
    const uint64_t next = old - ref;
    if (state_.compare_exchange_weak(old, next)) {
      return (next & (closed_bit | ref_mask)) == closed_bit;
    }
  }
}

bool fd_mutex::rwlock(dir d) {
  const bool read = d == dir::read;
  const uint64_t lock = read ? read_lock : write_lock;
  const uint64_t wait = read ? read_wait : write_wait;
  const uint64_t wait_mask = read ? read_wait_mask : write_wait_mask;
  uint64_t old = state_.load();
  for (;;) {
    if (old & closed_bit) return false;
    uint64_t next;
    if ((old & lock) == 0) {
      next = (old | lock) + ref;
      if ((next & ref_mask) == 0) fatal(overflow);
    } else {
      next = old + wait;
      if ((next & wait_mask) == 0) fatal(overflow);
    }
    if (!state_.compare_exchange_weak(old, next)) continue;
    if ((old & lock) == 0) return true;
    (read ? read_sem_ : write_sem_).acquire_for(wait_reason::fd_lock);
    // Whoever woke us has taken us off the count.
    old = state_.load();
  }
}

bool fd_mutex::rwunlock(dir d) {
  const bool read = d == dir::read;
  const uint64_t lock = read ? read_lock : write_lock;
  const uint64_t wait = read ? read_wait : write_wait;
  const uint64_t wait_mask = read ? read_wait_mask : write_wait_mask;
  uint64_t old = state_.load();
  for (;;) {
    if ((old & lock) == 0 || (old & ref_mask) == 0) fatal(inconsistent);
    const bool wake = old & wait_mask;
    uint64_t next = (old & ~lock) - ref;
    if (wake) next -= wait;
    if (!state_.compare_exchange_weak(old, next)) continue;
    if (wake) (read ? read_sem_ : write_sem_).release();
    return (next & (closed_bit | ref_mask)) == closed_bit;
  }
}

}  // namespace netpoll
