// SPDX-License-Identifier: MIT
//
// Condition variables. The object itself is only asked for its clock; waiters are found by address.
//
// Giving up the mutex and beginning to wait is one step, as pthread_cond_wait(3) promises. POSIX
// allows a wait to end without a signal; whether one does is the choice cond/spurious.
#include <errno.h>

#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

// nptl/pthread_cond_common.c: bit 1 of __wrefs says CLOCK_MONOTONIC.
clockid_t clock_of(const pthread_cond_t* cond) {
  return (cond->__data.__wrefs & 2) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

}  // namespace

int ThreadObjects::cond_wait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                             const timespec* deadline) {
  object_point(ObjectCall::cond_wait, cond);
  Time moment;
  if (!to_moment(clock < 0 ? clock_of(cond) : clock, deadline, moment)) return EINVAL;

  // A recursive mutex is given up whole and taken back at its depth.
  unsigned depth = mutex->__data.__count;
  bool recursive = (mutex->__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE;
  if (recursive && mutex->__data.__owner == state.current + 1) mutex->__data.__count = 1;
  int error = unlock_mutex(mutex);
  if (error != 0) return error;

  bool woken = true;
  if (choose(site::kCondSpurious, 2) == 0) {
    woken = block(Why::cond, cond, moment);
  } else {
    object_point(ObjectCall::cond_spurious, cond);
  }
  error = lock_mutex(mutex, kNever);
  if (recursive) mutex->__data.__count = depth;
  if (error != 0) return error;
  return woken ? 0 : ETIMEDOUT;
}

int ThreadObjects::cond_signal(pthread_cond_t* cond) {
  object_point(ObjectCall::cond_signal, cond);
  wake_some(Why::cond, cond, 1, site::kCondWake);
  return 0;
}

int ThreadObjects::cond_broadcast(pthread_cond_t* cond) {
  object_point(ObjectCall::cond_broadcast, cond);
  wake_all(Why::cond, cond);
  return 0;
}

}  // namespace pollux::explore
