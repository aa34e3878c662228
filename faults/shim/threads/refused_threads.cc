// SPDX-License-Identifier: MIT
//
// Thread functions that a run does not know: each ends it as unmodelled, with its name. Not listed
// and left to libc are those that only look at or fill in an object (attributes, init, destroy,
// getspecific), and those whose effect on a parked donor is none that a program can see (affinity,
// priorities).
#include <pthread.h>
#include <signal.h>

#include "shim/threads/entry.h"

using namespace pollux::shim;

#define POLLUX_REFUSED_THREAD(function, parameters, arguments, exceptions) \
  POLLUX_ENTRY int function parameters exceptions {                        \
    if (!in_run()) return POLLUX_NEXT(function) arguments;                 \
    unmodelled(#function);                                                 \
    return ENOSYS;                                                         \
  }

POLLUX_REFUSED_THREAD(pthread_cancel, (pthread_t thread), (thread), )
POLLUX_REFUSED_THREAD(pthread_mutex_consistent, (pthread_mutex_t * mutex), (mutex), noexcept)
POLLUX_REFUSED_THREAD(pthread_sigqueue, (pthread_t thread, int signal, const sigval value),
                      (thread, signal, value), noexcept)
POLLUX_REFUSED_THREAD(pthread_getcpuclockid, (pthread_t thread, clockid_t* clock), (thread, clock),
                      noexcept)
