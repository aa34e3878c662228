// SPDX-License-Identifier: MIT
//
// The seam: what stands behind the interposed libc symbols during a run.
//
// The shim reduces every libc function that it takes over to one of two things: a Linux system call
// (its number and up to six arguments, exactly as the kernel takes them, `fcntl64`, `__read_chk`
// and `recv` no less than `syscall(2)` itself), or an operation on a thread object of pthread.h. A
// backend answers both. Outside of a run nothing here is called: the shim then uses the real kernel
// (inline system call) and the real libc (next definition in link order).
//
// Threads: a backend is called only on the OS thread that carries the run, with the gate closed
// (gate.h: the shim opens a HarnessScope around each call).
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include <cstdint>

namespace pollux::shim {

// Kernel convention: a result >= 0, or -errno.
class SystemCalls {
 public:
  virtual long system_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) = 0;

 protected:
  ~SystemCalls() = default;
};

// pthread.h convention: 0 or an errno value. `deadline` is absolute on `clock`; null waits for
// ever. Objects live in the caller's memory with glibc's layout, so that statically initialised
// ones, and ones that were made before the run, stay valid.
class Threads {
 public:
  virtual int create(pthread_t*, const pthread_attr_t*, void* (*start)(void*), void* argument) = 0;
  virtual int join(pthread_t, void** result, clockid_t clock, const timespec* deadline) = 0;
  virtual int try_join(pthread_t, void** result) = 0;
  virtual int detach(pthread_t) = 0;
  // Returns (so that the shim falls back to the real one) only when the caller is not a virtual
  // thread with a stack of its own, that is, the main thread of `pollux exec`.
  virtual void exit(void* result) = 0;
  virtual int kill(pthread_t, int signal) = 0;
  virtual int set_name(pthread_t, const char*) { return 0; }
  virtual int get_name(pthread_t, char* name, size_t size) {
    if (size != 0) name[0] = '\0';
    return 0;
  }

  virtual int mutex_lock(pthread_mutex_t*, clockid_t clock, const timespec* deadline) = 0;
  virtual int mutex_trylock(pthread_mutex_t*) = 0;
  virtual int mutex_unlock(pthread_mutex_t*) = 0;

  // `clock` < 0: the clock that the condition variable was initialised with.
  virtual int cond_wait(pthread_cond_t*, pthread_mutex_t*, clockid_t clock,
                        const timespec* deadline) = 0;
  virtual int cond_signal(pthread_cond_t*) = 0;
  virtual int cond_broadcast(pthread_cond_t*) = 0;

  virtual int rwlock_rdlock(pthread_rwlock_t*, clockid_t clock, const timespec* deadline) = 0;
  virtual int rwlock_tryrdlock(pthread_rwlock_t*) = 0;
  virtual int rwlock_wrlock(pthread_rwlock_t*, clockid_t clock, const timespec* deadline) = 0;
  virtual int rwlock_trywrlock(pthread_rwlock_t*) = 0;
  virtual int rwlock_unlock(pthread_rwlock_t*) = 0;

  virtual int once(pthread_once_t*, void (*routine)()) = 0;
  virtual int barrier_wait(pthread_barrier_t*) = 0;
  virtual int spin_lock(pthread_spinlock_t*) = 0;
  virtual int spin_trylock(pthread_spinlock_t*) = 0;
  virtual int spin_unlock(pthread_spinlock_t*) = 0;

  virtual int sem_wait(sem_t*, clockid_t clock, const timespec* deadline) = 0;
  virtual int sem_trywait(sem_t*) = 0;
  virtual int sem_post(sem_t*) = 0;

  // Itanium C++ ABI guards of function-local statics.
  virtual int guard_acquire(uint64_t* guard) = 0;
  virtual void guard_release(uint64_t* guard) = 0;
  virtual void guard_abort(uint64_t* guard) = 0;

  // Destructor of a thread_local, run when the virtual thread ends. False: not a virtual thread,
  // use libc.
  virtual bool thread_atexit(void (*destructor)(void*), void* object, void* dso) = 0;

  // Sections in which libc holds a lock of its own (flockfile, dlopen): no switch inside.
  virtual void no_preempt_begin() = 0;
  virtual void no_preempt_end() = 0;

 protected:
  ~Threads() = default;
};

// A call of the program that no backend models. Stops the run with the name; does not return in a
// run.
class Unmodelled {
 public:
  virtual void unmodelled(const char* name) = 0;

 protected:
  ~Unmodelled() = default;
};

struct Backend {
  SystemCalls* calls = nullptr;
  Threads* threads = nullptr;
  Unmodelled* unmodelled = nullptr;
};

// Installed once by the harness, before the first run; consulted only when in_run().
void install_backend(const Backend&);
const Backend& backend();

}  // namespace pollux::shim
