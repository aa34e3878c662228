// SPDX-License-Identifier: MIT
//
// The C++ runtime's thread functions: guards of function-local statics (Itanium C++ ABI 3.3.3) and
// destructors of thread_local objects.
//
// Outside of a run the guards are done here, not in the next definition: a program with a static
// C++ library has none, and looking for it may itself need a guard. Layout as in libstdc++: byte 0
// done, byte 1 in progress. This file must not have a function-local static that needs a guard.
#include <sys/syscall.h>

#include "shim/threads/entry.h"

using namespace pollux::shim;

static uint8_t* bytes(uint64_t* guard) { return reinterpret_cast<uint8_t*>(guard); }

static int acquire_for_real(uint64_t* guard) {
  for (;;) {
    if (__atomic_load_n(bytes(guard), __ATOMIC_ACQUIRE) != 0) return 0;
    uint8_t free = 0;
    if (__atomic_compare_exchange_n(bytes(guard) + 1, &free, 1, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED)) {
      if (__atomic_load_n(bytes(guard), __ATOMIC_ACQUIRE) == 0) return 1;
      __atomic_store_n(bytes(guard) + 1, 0, __ATOMIC_RELEASE);
      return 0;
    }
    raw_system_call(SYS_sched_yield);
  }
}

POLLUX_ENTRY int __cxa_guard_acquire(uint64_t* guard) {
  if (!in_run()) return acquire_for_real(guard);
  HarnessScope scope;
  return backend().threads->guard_acquire(guard);
}

POLLUX_ENTRY void __cxa_guard_release(uint64_t* guard) {
  if (in_run()) {
    HarnessScope scope;
    return backend().threads->guard_release(guard);
  }
  __atomic_store_n(bytes(guard), 1, __ATOMIC_RELEASE);
  __atomic_store_n(bytes(guard) + 1, 0, __ATOMIC_RELEASE);
}

POLLUX_ENTRY void __cxa_guard_abort(uint64_t* guard) {
  if (in_run()) {
    HarnessScope scope;
    return backend().threads->guard_abort(guard);
  }
  __atomic_store_n(bytes(guard) + 1, 0, __ATOMIC_RELEASE);
}

extern "C" int __cxa_thread_atexit_impl(void (*destructor)(void*), void* object, void* dso);

POLLUX_ENTRY int __cxa_thread_atexit_impl(void (*destructor)(void*), void* object, void* dso) {
  if (in_run()) {
    HarnessScope scope;
    if (backend().threads->thread_atexit(destructor, object, dso)) return 0;
  }
  return POLLUX_NEXT(__cxa_thread_atexit_impl)(destructor, object, dso);
}
