// SPDX-License-Identifier: MIT
#include "explore/futex.h"

#include <errno.h>
#include <linux/futex.h>

#include "explore/clock.h"
#include "explore/happens_before.h"
#include "explore/signals.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

// Linux orders what comes before a wake before what follows the wait that it ends (futex(2) says
// that they are totally ordered by the lock of the word's queue).
long wait(uint32_t* word, uint32_t value, Time deadline, uint32_t bits) {
  if (bits == 0) return -EINVAL;
  touch(object_of(word));
  current().futex_bits = bits;
  do {
    if (*word != value) {
      acquire_from(word);
      return -EAGAIN;
    }
    if (signal_pending()) break;
    bool in_time = block(Why::futex, word, deadline);
    acquire_from(word);
    if (!in_time) return -ETIMEDOUT;
    if (current().woken) return 0;
  } while (!signal_pending());
  return deadline == kNever ? kRestart : -EINTR;  // futex_wait: the deadline is not carried over
}

long wake(uint32_t* word, uint32_t count, uint32_t bits) {
  if (bits == 0) return -EINVAL;
  touch(object_of(word));
  release_to(word);
  Actor list[kThreadsMax];
  unsigned all = waiters(Why::futex, word, list);
  unsigned waiting = 0;
  for (unsigned i = 0; i < all; ++i) {
    if ((state.threads[list[i]].futex_bits & bits) != 0) list[waiting++] = list[i];
  }
  // kernel/futex/waitwake.c wakes at least one, whatever the count says.
  return wake_chosen(list, waiting, count != 0 ? count : 1, site::kFutexWake);
}

// kernel/futex/requeue.c: who is not woken goes on waiting at the second word.
long requeue(uint32_t* word, uint32_t wake_count, uint32_t move_count, uint32_t* second_word) {
  touch(object_of(word));
  touch(object_of(second_word));
  release_to(word);
  release_to(second_word);
  Actor list[kThreadsMax];
  long done = wake_chosen(list, waiters(Why::futex, word, list), wake_count, site::kFutexWake);
  unsigned left = waiters(Why::futex, word, list);
  for (unsigned i = 0; i < left && i < move_count; ++i, ++done) {
    state.threads[list[i]].object = second_word;
  }
  return done;
}

}  // namespace

long futex(uint32_t* word, int operation, uint32_t value, const timespec* timeout,
           uint32_t* second_word, uint32_t third_value) {
  int command = operation & FUTEX_CMD_MASK;
  clockid_t clock = (operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  Time deadline = kNever;
  auto count = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(timeout));
  switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
      if (timeout != nullptr) {
        if (!is_valid(*timeout)) return -EINVAL;
        // futex(2): FUTEX_WAIT's is relative, FUTEX_WAIT_BITSET's absolute.
        deadline = command == FUTEX_WAIT
                       ? saturating_add(state.timeline.now(), duration_of(*timeout))
                       : moment_of(clock, *timeout);
      }
      return wait(word, value, deadline,
                  command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : third_value);
    case FUTEX_WAKE:
      return wake(word, value, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
      return wake(word, value, third_value);
    case FUTEX_CMP_REQUEUE:
      if (*word != third_value) return -EAGAIN;
      return requeue(word, value, count, second_word);
    case FUTEX_REQUEUE:
      return requeue(word, value, count, second_word);
    default:
      unmodelled("futex with an operation other than WAIT, WAKE and REQUEUE");
  }
}

}  // namespace pollux::explore
