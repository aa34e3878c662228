// SPDX-License-Identifier: MIT
//
// Mutexes, read-write locks and spin locks. Their init and destroy functions are libc's own: the
// objects keep glibc's layout.
#include "shim/threads/entry.h"

POLLUX_THREAD_ENTRY(pthread_mutex_lock, (pthread_mutex_t * mutex), (mutex), noexcept,
                    threads.mutex_lock(mutex, CLOCK_REALTIME, nullptr))
POLLUX_THREAD_ENTRY(pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex), noexcept,
                    threads.mutex_trylock(mutex))
POLLUX_THREAD_ENTRY(pthread_mutex_timedlock, (pthread_mutex_t * mutex, const timespec* deadline),
                    (mutex, deadline), noexcept,
                    threads.mutex_lock(mutex, CLOCK_REALTIME, deadline))
POLLUX_THREAD_ENTRY(pthread_mutex_clocklock,
                    (pthread_mutex_t * mutex, clockid_t clock, const timespec* deadline),
                    (mutex, clock, deadline), noexcept, threads.mutex_lock(mutex, clock, deadline))
POLLUX_THREAD_ENTRY(pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex), noexcept,
                    threads.mutex_unlock(mutex))

POLLUX_THREAD_ENTRY(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock), noexcept,
                    threads.rwlock_rdlock(lock, CLOCK_REALTIME, nullptr))
POLLUX_THREAD_ENTRY(pthread_rwlock_tryrdlock, (pthread_rwlock_t * lock), (lock), noexcept,
                    threads.rwlock_tryrdlock(lock))
POLLUX_THREAD_ENTRY(pthread_rwlock_timedrdlock, (pthread_rwlock_t * lock, const timespec* deadline),
                    (lock, deadline), noexcept,
                    threads.rwlock_rdlock(lock, CLOCK_REALTIME, deadline))
POLLUX_THREAD_ENTRY(pthread_rwlock_clockrdlock,
                    (pthread_rwlock_t * lock, clockid_t clock, const timespec* deadline),
                    (lock, clock, deadline), noexcept, threads.rwlock_rdlock(lock, clock, deadline))
POLLUX_THREAD_ENTRY(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock), noexcept,
                    threads.rwlock_wrlock(lock, CLOCK_REALTIME, nullptr))
POLLUX_THREAD_ENTRY(pthread_rwlock_trywrlock, (pthread_rwlock_t * lock), (lock), noexcept,
                    threads.rwlock_trywrlock(lock))
POLLUX_THREAD_ENTRY(pthread_rwlock_timedwrlock, (pthread_rwlock_t * lock, const timespec* deadline),
                    (lock, deadline), noexcept,
                    threads.rwlock_wrlock(lock, CLOCK_REALTIME, deadline))
POLLUX_THREAD_ENTRY(pthread_rwlock_clockwrlock,
                    (pthread_rwlock_t * lock, clockid_t clock, const timespec* deadline),
                    (lock, clock, deadline), noexcept, threads.rwlock_wrlock(lock, clock, deadline))
POLLUX_THREAD_ENTRY(pthread_rwlock_unlock, (pthread_rwlock_t * lock), (lock), noexcept,
                    threads.rwlock_unlock(lock))

POLLUX_THREAD_ENTRY(pthread_spin_lock, (pthread_spinlock_t * lock), (lock), noexcept,
                    threads.spin_lock(lock))
POLLUX_THREAD_ENTRY(pthread_spin_trylock, (pthread_spinlock_t * lock), (lock), noexcept,
                    threads.spin_trylock(lock))
POLLUX_THREAD_ENTRY(pthread_spin_unlock, (pthread_spinlock_t * lock), (lock), noexcept,
                    threads.spin_unlock(lock))
