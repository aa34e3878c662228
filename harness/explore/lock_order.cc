// SPDX-License-Identifier: MIT
//
// Mutexes are numbered as they are first locked. The number stands in the mutex itself, in a field
// that only adaptive mutexes of the real library use, as a hint: whoever initialises the memory for
// a new mutex wipes it out, so that a mutex is never taken for the one that was there before. A
// number from an earlier run is known by the address that goes with it.
//
// An edge from A to B: B was locked by a thread that had A. Each new one is followed for a way
// back.
#include "explore/lock_order.h"

#include <algorithm>
#include <cstdint>

#include "explore/judge_notes.h"
#include "explore/memory_roots.h"
#include "explore/state.h"

namespace pollux::explore {
namespace {

constexpr unsigned kLocksMax = 512;  // those that come later are not judged
constexpr unsigned kDepthMax = 16;   // nor are more at once in one thread

using LockId = uint16_t;  // from 1

struct Held {
  unsigned count;
  LockId ids[kDepthMax];
};

unsigned lock_count = 0;
const pthread_mutex_t* locks[kLocksMax + 1];
uint8_t edge[kLocksMax + 1][kLocksMax + 1];  // 0, or who made it, plus one
Held held[kThreadsMax];

// 0: there are too many.
LockId id_of(pthread_mutex_t* mutex) {
  auto id = static_cast<LockId>(mutex->__data.__spins);
  if (id != 0 && id <= lock_count && locks[id] == mutex) return id;
  if (lock_count == kLocksMax) return 0;
  id = static_cast<LockId>(++lock_count);
  locks[id] = mutex;
  mutex->__data.__spins = static_cast<short>(id);
  return id;
}

// Number of edges on a way from one to the other; 0: there is none. `last` is the one before the
// end.
unsigned way(LockId from, LockId to, LockId* last) {
  static LockId queue[kLocksMax];  // not on the stack, which may be a small one of the program's
  static unsigned distance[kLocksMax + 1];
  std::fill_n(distance, lock_count + 1, 0u);
  unsigned taken = 0, put = 0;
  queue[put++] = from;
  while (taken != put) {
    LockId at = queue[taken++];
    for (LockId next = 1; next <= lock_count; ++next) {
      if (edge[at][next] == 0 || (distance[next] != 0 || next == from)) continue;
      distance[next] = distance[at] + 1;
      if (next == to) {
        *last = at;
        return distance[next];
      }
      queue[put++] = next;
    }
  }
  return 0;
}

void add_edge(LockId had, LockId got) {
  uint8_t& by = edge[had][got];
  if (by != 0) return;
  by = static_cast<uint8_t>(state.current + 1);
  LockId last = 0;
  unsigned others = way(got, had, &last);
  if (others == 0) return;
  const char* other = state.threads[edge[last][had] - 1].name;
  if (others == 1) {
    take_note(NoteKind::lock_order,
              "%s locks mutex %u while it has mutex %u, and %s locked them the other way round",
              current().name, got, had, other);
  } else {
    take_note(
        NoteKind::lock_order,
        "%s locks mutex %u while it has mutex %u, which closes a circle of %u mutexes; %s made "
        "the last step of the others",
        current().name, got, had, others + 1, other);
  }
}

}  // namespace

void begin_lock_order() {
  for (unsigned id = 1; id <= lock_count; ++id) std::fill_n(edge[id], lock_count + 1, uint8_t{0});
  lock_count = 0;
  for (Held& thread : held) thread.count = 0;
}

void note_lock_order_memory() { note_harness_memory(locks, sizeof locks); }

void note_locked(pthread_mutex_t* mutex, bool waited) {
  Held& own = held[state.current];
  LockId id = id_of(mutex);
  if (id == 0) return;
  if (waited) {
    for (unsigned i = 0; i < own.count; ++i) {
      if (own.ids[i] != id) add_edge(own.ids[i], id);
    }
  }
  if (own.count != kDepthMax) own.ids[own.count++] = id;
}

void note_unlocked(const pthread_mutex_t* mutex, unsigned owner) {
  if (owner >= kThreadsMax) return;  // nobody had it
  Held& own = held[owner];
  for (unsigned i = own.count; i-- != 0;) {
    if (locks[own.ids[i]] != mutex) continue;
    std::copy(own.ids + i + 1, own.ids + own.count, own.ids + i);
    --own.count;
    return;
  }
}

void forget_locks_of(unsigned thread) { held[thread].count = 0; }

}  // namespace pollux::explore
