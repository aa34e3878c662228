// SPDX-License-Identifier: MIT
//
// threads.h. glibc's versions call its own internals past the symbols of pthread.h, so they have to
// be taken over one by one; in a run they are the functions of pthread.h, whose objects they share.
#include <stdint.h>
#include <threads.h>

#include "pollux/shim/keys.h"
#include "shim/threads/entry.h"

using namespace pollux::shim;

// glibc's sysdeps/nptl/thrd_err.h
static int thrd_result(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case ENOMEM:
      return thrd_nomem;
    case ETIMEDOUT:
      return thrd_timedout;
    case EBUSY:
      return thrd_busy;
    default:
      return thrd_error;
  }
}

template <typename T, typename U>
static T* as(U* object) {
  static_assert(sizeof(T) == sizeof(U));
  return reinterpret_cast<T*>(object);
}

// A thread's start function of either kind returns in the same register, and glibc, too, keeps the
// int of a C11 thread in the low half of the void* result.
POLLUX_ENTRY int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  if (!in_run()) return POLLUX_NEXT(thrd_create)(thread, start, argument);
  HarnessScope scope;
  void* (*function)(void*) = nullptr;
  static_assert(sizeof function == sizeof start);
  __builtin_memcpy(&function, &start, sizeof function);
  return thrd_result(backend().threads->create(thread, nullptr, function, argument));
}

POLLUX_ENTRY int thrd_join(thrd_t thread, int* value) {
  if (!in_run()) return POLLUX_NEXT(thrd_join)(thread, value);
  void* pointer = nullptr;
  int error = pthread_join(thread, &pointer);
  if (error == 0 && value != nullptr) {
    *value = static_cast<int>(reinterpret_cast<intptr_t>(pointer));
  }
  return thrd_result(error);
}

POLLUX_ENTRY int thrd_detach(thrd_t thread) {
  return in_run() ? thrd_result(pthread_detach(thread)) : POLLUX_NEXT(thrd_detach)(thread);
}

POLLUX_ENTRY void thrd_exit(int value) {
  if (in_run()) pthread_exit(reinterpret_cast<void*>(static_cast<intptr_t>(value)));
  POLLUX_NEXT(thrd_exit)(value);
  __builtin_unreachable();
}

POLLUX_ENTRY void thrd_yield() { sched_yield(); }

POLLUX_ENTRY int thrd_sleep(const timespec* duration, timespec* left) {
  if (!in_run()) return POLLUX_NEXT(thrd_sleep)(duration, left);
  int error = clock_nanosleep(CLOCK_REALTIME, 0, duration, left);
  return error == 0 ? 0 : error == EINTR ? -1 : -2;  // thrd_sleep(3): -1 says interrupted
}

#define POLLUX_C11_ENTRY(function, parameters, arguments, as_pthread) \
  POLLUX_ENTRY int function parameters {                              \
    if (!in_run()) return POLLUX_NEXT(function) arguments;            \
    return thrd_result(as_pthread);                                   \
  }

POLLUX_C11_ENTRY(mtx_lock, (mtx_t * mutex), (mutex), pthread_mutex_lock(as<pthread_mutex_t>(mutex)))
POLLUX_C11_ENTRY(mtx_timedlock, (mtx_t * mutex, const timespec* deadline), (mutex, deadline),
                 pthread_mutex_timedlock(as<pthread_mutex_t>(mutex), deadline))
POLLUX_C11_ENTRY(mtx_trylock, (mtx_t * mutex), (mutex),
                 pthread_mutex_trylock(as<pthread_mutex_t>(mutex)))
POLLUX_C11_ENTRY(mtx_unlock, (mtx_t * mutex), (mutex),
                 pthread_mutex_unlock(as<pthread_mutex_t>(mutex)))
POLLUX_C11_ENTRY(cnd_wait, (cnd_t * cond, mtx_t* mutex), (cond, mutex),
                 pthread_cond_wait(as<pthread_cond_t>(cond), as<pthread_mutex_t>(mutex)))
POLLUX_C11_ENTRY(cnd_timedwait, (cnd_t * cond, mtx_t* mutex, const timespec* deadline),
                 (cond, mutex, deadline),
                 pthread_cond_timedwait(as<pthread_cond_t>(cond), as<pthread_mutex_t>(mutex),
                                        deadline))
POLLUX_C11_ENTRY(cnd_signal, (cnd_t * cond), (cond), pthread_cond_signal(as<pthread_cond_t>(cond)))
POLLUX_C11_ENTRY(cnd_broadcast, (cnd_t * cond), (cond),
                 pthread_cond_broadcast(as<pthread_cond_t>(cond)))

POLLUX_ENTRY void call_once(once_flag* flag, void (*routine)()) {
  if (!in_run()) return POLLUX_NEXT(call_once)(flag, routine);
  pthread_once(as<pthread_once_t>(flag), routine);
}

POLLUX_ENTRY int tss_create(tss_t* key, tss_dtor_t destructor) {
  return thrd_result(pthread_key_create(key, destructor));
}

POLLUX_ENTRY void tss_delete(tss_t key) { pthread_key_delete(key); }
