// SPDX-License-Identifier: MIT
//
// What every entry point of the shim is made of.
//
// An entry point reduces its libc function to one Linux system call, by number, and asks who
// answers: in a run the backend, with the gate closed while it works; otherwise the real kernel,
// by a system call of its own. errno is set last, after the gate is open again, because a virtual
// thread that was switched away inside the backend is only then certain to be back on its own
// thread control block.
//
// No function here allocates or takes a lock, so the entry points of async-signal-safe functions
// stay async-signal-safe. They are no cancellation points.
#pragma once

#include <cerrno>
#include <cstddef>
#include <type_traits>

#include "pollux/faults/point.h"
#include "pollux/shim/backend.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/shim/window.h"

// An interposed symbol. Everything else in the shim is hidden.
#define POLLUX_ENTRY extern "C" __attribute__((visibility("default")))

namespace pollux::shim {

// The real kernel, with the failure points that the user enabled by hand (real_kernel.cc).
long call_with_faults(long number, long a0, long a1, long a2, long a3, long a4, long a5);

// Stops the process when a thread that is not virtual uses a descriptor of the run (window.cc).
void refuse_foreign_thread(const char* call, int fd);

// Outside of a run.
inline long real_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) {
  if (__builtin_expect(faults::manual_control && pollux_run_carrier == 0, 0)) {
    return call_with_faults(number, a0, a1, a2, a3, a4, a5);
  }
  return raw_system_call(number, a0, a1, a2, a3, a4, a5);
}

template <typename T>
long word(T value) {
  if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else {
    return static_cast<long>(value);
  }
}

inline long call_words(long number, long a0 = 0, long a1 = 0, long a2 = 0, long a3 = 0, long a4 = 0,
                       long a5 = 0) {
  if (!in_run()) return real_call(number, a0, a1, a2, a3, a4, a5);
  HarnessScope scope;
  return backend().calls->system_call(number, a0, a1, a2, a3, a4, a5);
}

// A system call: >= 0, or -errno.
template <typename... Arguments>
long call(long number, Arguments... arguments) {
  return call_words(number, word(arguments)...);
}

// The same, on a descriptor. `name` is the libc function, for the message.
template <typename... Arguments>
long call_on(const char* name, long number, int fd, Arguments... arguments) {
  if (__builtin_expect(pollux_run_carrier != 0, 0)) refuse_foreign_thread(name, fd);
  return call_words(number, fd, word(arguments)...);
}

// libc's convention for a kernel result.
template <typename T = int>
T result(long value) {
  if (static_cast<unsigned long>(value) >= -4095ul) {
    errno = static_cast<int>(-value);
    return static_cast<T>(-1);
  }
  return static_cast<T>(value);
}

// Ends the run: the program made a call that is not modelled. Returns (with ENOSYS as the only
// honest answer) only if the backend does.
inline void unmodelled(const char* name) {
  HarnessScope scope;
  backend().unmodelled->unmodelled(name);
}

// Is `fd` one of the run's, used by the run?
inline bool is_twin(int fd) { return in_run() && in_window(fd); }

// The definition that ours hides; null in a static program. Resolved at first use: `cell` is a
// static of the caller.
void* next_definition(const char* name);
template <typename Function>
Function* next(Function*& cell, const char* name) {
  Function* found = __atomic_load_n(&cell, __ATOMIC_RELAXED);
  if (__builtin_expect(found == nullptr, 0)) {
    found = reinterpret_cast<Function*>(next_definition(name));
    __atomic_store_n(&cell, found, __ATOMIC_RELAXED);
  }
  return found;
}

}  // namespace pollux::shim

// The next definition of a libc function in link order.
#define POLLUX_NEXT(function)                     \
  ([] {                                           \
    static decltype(::function)* cell;            \
    return ::pollux::shim::next(cell, #function); \
  }())
