// SPDX-License-Identifier: MIT
//
// semaphore.h: as pthread.h, but errors go to errno.
#include <semaphore.h>

#include "shim/threads/entry.h"

using namespace pollux::shim;

static int semaphore_result(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

// errno is set after the scope has ended: the thread may have been switched away inside.
#define POLLUX_SEMAPHORE_ENTRY(function, parameters, arguments, exceptions, expression) \
  POLLUX_ENTRY int function parameters exceptions {                                     \
    if (!in_run()) return POLLUX_NEXT(function) arguments;                              \
    int error;                                                                          \
    {                                                                                   \
      HarnessScope scope;                                                               \
      error = backend().threads->expression;                                            \
    }                                                                                   \
    return semaphore_result(error);                                                     \
  }

POLLUX_SEMAPHORE_ENTRY(sem_wait, (sem_t * semaphore), (semaphore), ,
                       sem_wait(semaphore, CLOCK_REALTIME, nullptr))
POLLUX_SEMAPHORE_ENTRY(sem_timedwait, (sem_t * semaphore, const timespec* deadline),
                       (semaphore, deadline), , sem_wait(semaphore, CLOCK_REALTIME, deadline))
POLLUX_SEMAPHORE_ENTRY(sem_clockwait,
                       (sem_t * semaphore, clockid_t clock, const timespec* deadline),
                       (semaphore, clock, deadline), , sem_wait(semaphore, clock, deadline))
POLLUX_SEMAPHORE_ENTRY(sem_trywait, (sem_t * semaphore), (semaphore), noexcept,
                       sem_trywait(semaphore))
POLLUX_SEMAPHORE_ENTRY(sem_post, (sem_t * semaphore), (semaphore), noexcept, sem_post(semaphore))
