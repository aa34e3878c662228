// SPDX-License-Identifier: MIT
// The queues of sync.h: waiters on their goroutines' stacks, first in, first out.
#pragma once

#include <utility>

#include "netpoll/sync.h"
#include "src/park.h"

namespace netpoll::detail {

struct sync_waiter {
  park_slot slot;
  sync_waiter* next = nullptr;
};

inline void push(sync_waiter_queue& q, sync_waiter* w) {
  (q.tail ? q.tail->next : q.head) = w;
  q.tail = w;
}

inline sync_waiter* pop(sync_waiter_queue& q) {
  sync_waiter* w = q.head;
  if (w && !(q.head = w->next)) q.tail = nullptr;
  return w;
}

// Without the lock that guards `q`'s owner: `q` was taken out of it.
inline void wake_all(sync_waiter_queue q) {
  while (sync_waiter* w = pop(q)) w->slot.wake();
}

}  // namespace netpoll::detail
