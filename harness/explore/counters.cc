// SPDX-License-Identifier: MIT
//
// Semaphores, barriers and spin locks: an integer and somebody who waits for it to change.
#include <errno.h>

#include "explore/happens_before.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

// struct new_sem (sysdeps/nptl/internaltypes.h): the value is the low half of the first word, the
// high half counts glibc's own waiters.
uint32_t& value_of(sem_t* semaphore) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  return *reinterpret_cast<uint32_t*>(semaphore);
}

bool try_take(sem_t* semaphore) {
  uint32_t& value = value_of(semaphore);
  if (value == 0) return false;
  --value;
  acquire_from(semaphore);
  return true;
}

// struct pthread_barrier (sysdeps/nptl/internaltypes.h).
struct Barrier {
  unsigned in;
  unsigned round;
  unsigned count;
  int shared;
  unsigned out;
};
static_assert(sizeof(Barrier) <= sizeof(pthread_barrier_t));

// sysdeps/x86/nptl/pthread_spin_unlock.S against sysdeps/nptl/pthread_spin_init.c
#if defined(__x86_64__)
constexpr int kSpinFree = 1, kSpinHeld = 0;
#else
constexpr int kSpinFree = 0, kSpinHeld = 1;
#endif

bool try_spin(pthread_spinlock_t* lock) {
  if (*lock != kSpinFree) return false;
  *lock = kSpinHeld;
  acquire_from(lock);
  return true;
}

const void* address_of(const volatile void* object) { return const_cast<const void*>(object); }

}  // namespace

int ThreadObjects::sem_wait(sem_t* semaphore, clockid_t clock, const timespec* deadline) {
  object_point(ObjectCall::sem_wait, semaphore);
  Time moment;
  bool valid = to_moment(clock, deadline, moment);
  while (!try_take(semaphore)) {
    // sem_timedwait(3): the deadline matters only to who must wait.
    if (!valid) return EINVAL;
    if (!block(Why::semaphore, semaphore, moment)) return try_take(semaphore) ? 0 : ETIMEDOUT;
    // signal(7): SA_RESTART helps the wait without a deadline.
    Interruption ended_by = last_interruption();
    if (ended_by == Interruption::none) continue;
    if (ended_by == Interruption::fail || moment != kNever) return try_take(semaphore) ? 0 : EINTR;
  }
  return 0;
}

int ThreadObjects::sem_trywait(sem_t* semaphore) {
  object_point(ObjectCall::sem_wait, semaphore);
  return try_take(semaphore) ? 0 : EAGAIN;
}

int ThreadObjects::sem_post(sem_t* semaphore) {
  object_point(ObjectCall::sem_post, semaphore);
  uint32_t& value = value_of(semaphore);
  if (value == SEM_VALUE_MAX) return EOVERFLOW;
  ++value;
  release_to(semaphore);
  wake_some(Why::semaphore, semaphore, 1, site::kLockWake);
  return 0;
}

int ThreadObjects::barrier_wait(pthread_barrier_t* object) {
  object_point(ObjectCall::barrier, object);
  auto* barrier = reinterpret_cast<Barrier*>(object);
  release_to(barrier);
  if (++barrier->in == barrier->count) {
    barrier->in = 0;
    ++barrier->round;
    wake_all(Why::barrier, barrier);
    acquire_from(barrier);
    return PTHREAD_BARRIER_SERIAL_THREAD;
  }
  // The object may be gone as soon as the round is over: the waking says so, not the memory. Only
  // after a signal was taken does it have to be looked at.
  unsigned round = barrier->round;
  do {
    block(Why::barrier, barrier, kNever);
  } while (last_interruption() != Interruption::none && barrier->round == round);
  acquire_from(barrier);
  return 0;
}

int ThreadObjects::spin_lock(pthread_spinlock_t* lock) {
  object_point(ObjectCall::spin_lock, lock);
  while (!try_spin(lock)) block(Why::spin, address_of(lock), kNever);
  return 0;
}

int ThreadObjects::spin_trylock(pthread_spinlock_t* lock) {
  object_point(ObjectCall::spin_lock, lock);
  return try_spin(lock) ? 0 : EBUSY;
}

int ThreadObjects::spin_unlock(pthread_spinlock_t* lock) {
  object_point(ObjectCall::spin_unlock, lock);
  *lock = kSpinFree;
  release_to(lock);
  wake_some(Why::spin, address_of(lock), 1, site::kLockWake);
  return 0;
}

}  // namespace pollux::explore
