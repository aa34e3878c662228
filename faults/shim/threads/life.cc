// SPDX-License-Identifier: MIT
//
// How threads begin and end.
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>

#include "shim/threads/entry.h"

using namespace pollux::shim;

// AddressSanitizer must see a real thread be created. gcc's is a shared library and next in link
// order; clang's is linked into the program and known by this name.
extern "C" __attribute__((weak)) int __interceptor_pthread_create(pthread_t*, const pthread_attr_t*,
                                                                  void* (*)(void*), void*);

POLLUX_ENTRY int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                void* (*start)(void*), void* argument) noexcept {
  if (!in_run()) {
    if (__interceptor_pthread_create != nullptr) {
      return __interceptor_pthread_create(thread, attributes, start, argument);
    }
    return POLLUX_NEXT(pthread_create)(thread, attributes, start, argument);
  }
  HarnessScope scope;
  return backend().threads->create(thread, attributes, start, argument);
}

POLLUX_THREAD_ENTRY(pthread_join, (pthread_t thread, void** value), (thread, value), ,
                    threads.join(thread, value, CLOCK_REALTIME, nullptr))
POLLUX_THREAD_ENTRY(pthread_tryjoin_np, (pthread_t thread, void** value), (thread, value), noexcept,
                    threads.try_join(thread, value))
POLLUX_THREAD_ENTRY(pthread_timedjoin_np,
                    (pthread_t thread, void** value, const timespec* deadline),
                    (thread, value, deadline), ,
                    threads.join(thread, value, CLOCK_REALTIME, deadline))
POLLUX_THREAD_ENTRY(pthread_clockjoin_np,
                    (pthread_t thread, void** value, clockid_t clock, const timespec* deadline),
                    (thread, value, clock, deadline), ,
                    threads.join(thread, value, clock, deadline))
POLLUX_THREAD_ENTRY(pthread_detach, (pthread_t thread), (thread), noexcept, threads.detach(thread))
POLLUX_THREAD_ENTRY(pthread_kill, (pthread_t thread, int signal), (thread, signal), noexcept,
                    threads.kill(thread, signal))
POLLUX_THREAD_ENTRY(pthread_setname_np, (pthread_t thread, const char* name), (thread, name),
                    noexcept, threads.set_name(thread, name))
POLLUX_THREAD_ENTRY(pthread_getname_np, (pthread_t thread, char* name, size_t size),
                    (thread, name, size), noexcept, threads.get_name(thread, name, size))

// The backend unwinds the caller's frames, this one among them: its scope opens the gate again for
// the destructors on the way.
POLLUX_ENTRY void pthread_exit(void* value) {
  if (in_run()) {
    HarnessScope scope;
    backend().threads->exit(value);
  }
  POLLUX_NEXT(pthread_exit)(value);
  abort();
}
