// SPDX-License-Identifier: MIT
//
// Mutexes. __lock is 0 or 1, __owner the virtual thread's id + 1, __count the depth of a recursive
// one.
//
// Unlocking wakes one waiter, chosen at lock/wake, and does not hand the lock over: a thread that
// arrives first gets it and the woken one waits again, as with glibc's futex protocol. No wake-up
// is lost by that, since whoever got in between unlocks, too.
#include <errno.h>

#include "explore/happens_before.h"
#include "explore/judge_notes.h"
#include "explore/lock_order.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

constexpr int kTypeMask = 3;
constexpr int kRobust = 16;  // nptl/pthreadP.h, PTHREAD_MUTEX_ROBUST_NORMAL_NP

int type_of(const pthread_mutex_t* mutex) { return mutex->__data.__kind & kTypeMask; }

constexpr unsigned kWokenForNothing = 100;  // times, and the thread starves

int own_id() { return state.current + 1; }

// 0, EBUSY, or what pthread_mutex_lock(3) says of objects that can not be locked. `waits`: the
// caller would.
int try_lock(pthread_mutex_t* mutex, bool waits) {
  auto& data = mutex->__data;
  if (data.__kind < 0) return EINVAL;  // destroyed
  if ((data.__kind & kRobust) != 0) unmodelled("pthread_mutex_lock of a robust mutex");
  if (data.__lock == 0) {
    data.__lock = 1;
    data.__owner = own_id();
    data.__count = 1;
    acquire_from(mutex);
    if (!alone()) note_locked(mutex, waits);
    return 0;
  }
  if (data.__owner == own_id() && type_of(mutex) == PTHREAD_MUTEX_RECURSIVE) {
    if (data.__count == UINT32_MAX) return EAGAIN;
    ++data.__count;
    return 0;
  }
  return EBUSY;
}

// For a thread that is alone, and an ordinary mutex: most programs have one thread and lock all the
// same.
bool lock_alone(pthread_mutex_t* mutex) {
  auto& data = mutex->__data;
  if (!alone() || signalled() || data.__kind != 0 || data.__lock != 0) return false;
  count_alone();
  data.__lock = 1;
  data.__owner = own_id();
  data.__count = 1;
  acquire_from(mutex);
  return true;
}

bool unlock_alone(pthread_mutex_t* mutex) {
  auto& data = mutex->__data;
  if (!alone() || signalled() || data.__kind != 0) return false;
  count_alone();
  release_to(mutex);
  data.__lock = data.__owner = 0;
  data.__count = 0;
  return true;
}

}  // namespace

int lock_mutex(pthread_mutex_t* mutex, Time deadline) {
  touch(object_of(mutex));
  for (unsigned woken = 0;; ++woken) {
    if (woken == kWokenForNothing) {
      take_note(NoteKind::starvation, "%s was woken %u times for a mutex that others had first",
                current().name, woken);
    }
    int error = try_lock(mutex, true);
    if (error != EBUSY) return error;
    if (mutex->__data.__owner == own_id() && type_of(mutex) == PTHREAD_MUTEX_ERRORCHECK) {
      return EDEADLK;
    }
    if (!block(Why::mutex, mutex, deadline)) {
      error = try_lock(mutex, true);
      return error == EBUSY ? ETIMEDOUT : error;
    }
  }
}

int unlock_mutex(pthread_mutex_t* mutex) {
  touch(object_of(mutex));
  auto& data = mutex->__data;
  int type = type_of(mutex);
  bool checked = type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK;
  if (checked && data.__owner != own_id()) return EPERM;
  if (type == PTHREAD_MUTEX_RECURSIVE && --data.__count != 0) return 0;
  release_to(mutex);
  if (!alone()) note_unlocked(mutex, static_cast<unsigned>(data.__owner) - 1);
  data.__lock = 0;
  data.__owner = 0;
  data.__count = 0;
  if (!alone()) wake_some(Why::mutex, mutex, 1, site::kLockWake);
  return 0;
}

int ThreadObjects::mutex_lock(pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) {
  if (lock_alone(mutex)) return 0;
  object_point(ObjectCall::mutex_lock, mutex);
  Time moment;
  if (!to_moment(clock, deadline, moment)) {
    // pthread_mutex_timedlock(3): a deadline that is not a time matters only to who must wait.
    int error = try_lock(mutex, true);
    return error == EBUSY ? EINVAL : error;
  }
  return lock_mutex(mutex, moment);
}

int ThreadObjects::mutex_trylock(pthread_mutex_t* mutex) {
  object_point(ObjectCall::mutex_trylock, mutex);
  return try_lock(mutex, false);
}

int ThreadObjects::mutex_unlock(pthread_mutex_t* mutex) {
  if (unlock_alone(mutex)) return 0;
  object_point(ObjectCall::mutex_unlock, mutex);
  return unlock_mutex(mutex);
}

}  // namespace pollux::explore
