// SPDX-License-Identifier: MIT
//
// The gate: does the code that runs now belong to a run?
//
// Pollux shares one process with the program under test, the test framework and the command line.
// Every interposed entry point must therefore decide, at the cost of one compare, whether the
// caller is program code inside a run (then the twin answers) or anything else (then the real
// kernel and the real libc do).
//
// `gate` holds the thread pointer of the virtual thread whose program code runs now. It is 0 when
// no run is on, and also while the harness itself works inside a run, so that the harness may use
// libc freely. A real thread of the process that is not virtual has another thread pointer and
// passes through as well.
//
// Threads: written only by the OS thread that carries the run; others may read it.
#pragma once

#include <cstdint>

namespace pollux::shim {

extern "C" uintptr_t pollux_gate;

[[gnu::always_inline]] inline uintptr_t thread_pointer() {
  return reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
}

// True in program code of a run.
[[gnu::always_inline]] inline bool in_run() { return pollux_gate == thread_pointer(); }

// While alive, the harness works: interposed calls pass straight through. Scopes nest. A virtual
// thread that is switched away keeps its scope on its own stack, so the gate is right again when it
// resumes.
class HarnessScope {
 public:
  HarnessScope() : saved_(pollux_gate) { pollux_gate = 0; }
  ~HarnessScope() { pollux_gate = saved_; }
  HarnessScope(const HarnessScope&) = delete;
  HarnessScope& operator=(const HarnessScope&) = delete;

 private:
  uintptr_t saved_;
};

}  // namespace pollux::shim
