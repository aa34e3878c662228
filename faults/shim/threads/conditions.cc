// SPDX-License-Identifier: MIT
//
// Condition variables, pthread_once and barriers. pthread_once calls program code, which may throw:
// none of the frames here may stop an exception.
#include "shim/threads/entry.h"

// The clock that the condition variable was initialised with.
static constexpr clockid_t kOwnClock = -1;

POLLUX_THREAD_ENTRY(pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t* mutex),
                    (cond, mutex), , threads.cond_wait(cond, mutex, kOwnClock, nullptr))
POLLUX_THREAD_ENTRY(pthread_cond_timedwait,
                    (pthread_cond_t * cond, pthread_mutex_t* mutex, const timespec* deadline),
                    (cond, mutex, deadline), , threads.cond_wait(cond, mutex, kOwnClock, deadline))
POLLUX_THREAD_ENTRY(pthread_cond_clockwait,
                    (pthread_cond_t * cond, pthread_mutex_t* mutex, clockid_t clock,
                     const timespec* deadline),
                    (cond, mutex, clock, deadline), ,
                    threads.cond_wait(cond, mutex, clock, deadline))
POLLUX_THREAD_ENTRY(pthread_cond_signal, (pthread_cond_t * cond), (cond), noexcept,
                    threads.cond_signal(cond))
POLLUX_THREAD_ENTRY(pthread_cond_broadcast, (pthread_cond_t * cond), (cond), noexcept,
                    threads.cond_broadcast(cond))

POLLUX_THREAD_ENTRY(pthread_once, (pthread_once_t * control, void (*routine)()), (control, routine),
                    , threads.once(control, routine))
POLLUX_THREAD_ENTRY(pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier), noexcept,
                    threads.barrier_wait(barrier))
