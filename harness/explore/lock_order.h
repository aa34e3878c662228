// SPDX-License-Identifier: MIT
//
// The judge of lock order: in which order do threads lock mutexes while they have others? An order
// that closes a circle is a deadlock that this run was spared. What the kernel's lockdep does for
// its own (Documentation/locking/lockdep-design.rst), for each mutex instead of each class.
//
// Not known: that a circle can not close because all who enter it have one more mutex in common.
#pragma once

#include <pthread.h>

namespace pollux::explore {

void begin_lock_order();
// What it remembers of mutexes is no pointer of the program's (memory_roots.h).
void note_lock_order_memory();
// The current thread got it. `waited`: it would have waited for it; a trylock does not.
void note_locked(pthread_mutex_t*, bool waited);
// `owner`: who locked it; with mutexes that do not check, anybody may unlock.
void note_unlocked(const pthread_mutex_t*, unsigned owner);
// A new thread has no mutex, whatever the last one of that number had.
void forget_locks_of(unsigned thread);

}  // namespace pollux::explore
