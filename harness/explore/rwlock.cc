// SPDX-License-Identifier: MIT
//
// Read-write locks. nptl/pthread_rwlock_common.c keeps the readers from bit 3 of __readers up and
// the writer in bit 1; the phase bit 0 may be left set in an unlocked object and is not touched.
// __cur_writer is the writing thread's id + 1.
//
// Readers get in while a writer waits (PTHREAD_RWLOCK_PREFER_READER_NP, the default). Unlocking
// wakes everybody who waits; who is first is then an ordinary scheduling choice.
#include <errno.h>

#include "explore/happens_before.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"

namespace pollux::explore {
namespace {

constexpr unsigned kWriteLocked = 2;
constexpr unsigned kReader = 8;

bool is_own_write(const pthread_rwlock_t* lock) {
  return lock->__data.__cur_writer == state.current + 1;
}

// Readers are ordered behind writers and the other way round, but not among each other.
const void* written_by(const pthread_rwlock_t* lock) { return lock; }
const void* read_by(const pthread_rwlock_t* lock) { return &lock->__data.__cur_writer; }

int try_read(pthread_rwlock_t* lock) {
  if ((lock->__data.__readers & kWriteLocked) != 0) return EBUSY;
  lock->__data.__readers += kReader;
  acquire_from(written_by(lock));
  return 0;
}

int try_write(pthread_rwlock_t* lock) {
  if ((lock->__data.__readers & ~1u) != 0) return EBUSY;
  lock->__data.__readers |= kWriteLocked;
  lock->__data.__cur_writer = state.current + 1;
  acquire_from(written_by(lock));
  acquire_from(read_by(lock));
  return 0;
}

int lock_until(int (*try_once)(pthread_rwlock_t*), pthread_rwlock_t* lock, clockid_t clock,
               const timespec* deadline) {
  Time moment;
  if (!to_moment(clock, deadline, moment)) return EINVAL;
  for (;;) {
    if (try_once(lock) == 0) return 0;
    if (is_own_write(lock)) return EDEADLK;
    if (!block(Why::rwlock, lock, moment)) return try_once(lock) == 0 ? 0 : ETIMEDOUT;
  }
}

}  // namespace

int ThreadObjects::rwlock_rdlock(pthread_rwlock_t* lock, clockid_t clock,
                                 const timespec* deadline) {
  object_point(ObjectCall::rwlock_rdlock, lock);
  return lock_until(try_read, lock, clock, deadline);
}

int ThreadObjects::rwlock_tryrdlock(pthread_rwlock_t* lock) {
  object_point(ObjectCall::rwlock_rdlock, lock);
  return try_read(lock);
}

int ThreadObjects::rwlock_wrlock(pthread_rwlock_t* lock, clockid_t clock,
                                 const timespec* deadline) {
  object_point(ObjectCall::rwlock_wrlock, lock);
  return lock_until(try_write, lock, clock, deadline);
}

int ThreadObjects::rwlock_trywrlock(pthread_rwlock_t* lock) {
  object_point(ObjectCall::rwlock_wrlock, lock);
  return try_write(lock);
}

int ThreadObjects::rwlock_unlock(pthread_rwlock_t* lock) {
  object_point(ObjectCall::rwlock_unlock, lock);
  auto& data = lock->__data;
  if ((data.__readers & kWriteLocked) != 0) {
    data.__readers &= ~kWriteLocked;
    data.__cur_writer = 0;
    release_to(written_by(lock));
  } else if (data.__readers >= kReader) {
    data.__readers -= kReader;
    release_to(read_by(lock));
  }
  wake_all(Why::rwlock, lock);
  return 0;
}

}  // namespace pollux::explore
