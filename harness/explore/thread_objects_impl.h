// SPDX-License-Identifier: MIT
//
// pthread.h on virtual threads. Private to harness/explore; the methods are spread over the files
// named below.
//
// Objects live in the program's own pthread_mutex_t and so on, in glibc's fields and with glibc's
// meaning where it shows (an unlocked object is bit for bit one that glibc would accept), so that
// static initialisers, objects made before the run and destroy functions need nothing of ours.
// Who waits is not written there; the scheduler finds waiters by (why, address).
//
// Each operation is preceded by one scheduling point, and is atomic after it.
#pragma once

#include "explore/state.h"
#include "explore/thread_objects.h"

namespace pollux::explore {

class ThreadObjects final : public shim::Threads {
 public:
  // threads.cc, thread_life.cc (exit)
  int create(pthread_t*, const pthread_attr_t*, void* (*start)(void*), void* argument) override;
  int join(pthread_t, void** result, clockid_t clock, const timespec* deadline) override;
  int try_join(pthread_t, void** result) override;
  int detach(pthread_t) override;
  void exit(void* result) override;
  int kill(pthread_t, int signal) override;
  int set_name(pthread_t, const char* name) override;
  int get_name(pthread_t, char* name, size_t size) override;
  bool thread_atexit(void (*destructor)(void*), void* object, void* dso) override;
  void no_preempt_begin() override;
  void no_preempt_end() override;

  // mutex.cc
  int mutex_lock(pthread_mutex_t*, clockid_t clock, const timespec* deadline) override;
  int mutex_trylock(pthread_mutex_t*) override;
  int mutex_unlock(pthread_mutex_t*) override;

  // cond.cc
  int cond_wait(pthread_cond_t*, pthread_mutex_t*, clockid_t clock,
                const timespec* deadline) override;
  int cond_signal(pthread_cond_t*) override;
  int cond_broadcast(pthread_cond_t*) override;

  // rwlock.cc
  int rwlock_rdlock(pthread_rwlock_t*, clockid_t clock, const timespec* deadline) override;
  int rwlock_tryrdlock(pthread_rwlock_t*) override;
  int rwlock_wrlock(pthread_rwlock_t*, clockid_t clock, const timespec* deadline) override;
  int rwlock_trywrlock(pthread_rwlock_t*) override;
  int rwlock_unlock(pthread_rwlock_t*) override;

  // once.cc
  int once(pthread_once_t*, void (*routine)()) override;
  int guard_acquire(uint64_t* guard) override;
  void guard_release(uint64_t* guard) override;
  void guard_abort(uint64_t* guard) override;

  // counters.cc
  int barrier_wait(pthread_barrier_t*) override;
  int spin_lock(pthread_spinlock_t*) override;
  int spin_trylock(pthread_spinlock_t*) override;
  int spin_unlock(pthread_spinlock_t*) override;
  int sem_wait(sem_t*, clockid_t clock, const timespec* deadline) override;
  int sem_trywait(sem_t*) override;
  int sem_post(sem_t*) override;
};

// The places of call_point() for operations on thread objects; the twin's are its call numbers.
enum class ObjectCall : uint64_t {
  create = 0x10000,
  join,
  detach,
  mutex_lock,
  mutex_trylock,
  mutex_unlock,
  cond_wait,
  cond_signal,
  cond_broadcast,
  cond_spurious,
  rwlock_rdlock,
  rwlock_wrlock,
  rwlock_unlock,
  once,
  guard,
  barrier,
  spin_lock,
  spin_unlock,
  sem_wait,
  sem_post,
  kill,
};
// In front of a call on the object at `address`; null: it concerns none.
void shared_object_point(ObjectCall, const volatile void* address);
inline void object_point(ObjectCall call, const volatile void* address) {
  if (alone() && !signalled()) {
    count_alone();
  } else {
    shared_object_point(call, address);
  }
}

// False: the deadline is not a time (EINVAL). A null deadline is kNever.
bool to_moment(clockid_t clock, const timespec* deadline, Time& moment);

// mutex.cc, without a point: for the condition variable.
int lock_mutex(pthread_mutex_t*, Time deadline);
int unlock_mutex(pthread_mutex_t*);

// Ends the run with the name of what is not modelled.
[[noreturn]] void unmodelled(const char* name);

}  // namespace pollux::explore
