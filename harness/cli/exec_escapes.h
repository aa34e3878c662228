// SPDX-License-Identifier: MIT
//
// Finds what of a program went past the shim: system calls that libc or another library makes
// inside itself, inline ones, and real threads. For `pollux doctor --escapes`.
#pragma once

#include <cstddef>

namespace pollux::cli {

// One line for each thread, and for each place that a call came from: "socket from libc.so.6
// (__socket+7) for memcached (main+513)", in the order of their first appearance. In memory that
// outlives the process.
struct EscapeLog {
  static constexpr size_t kMax = 64 << 10;

  size_t size;
  char text[kMax];
};

// From here on, the kernel asks for each system call of this process that libpollux.so does not
// make itself and that is no affair of the process alone. It is then carried out all the same, and
// noted when program code of the run made it. Can not be undone. False, when this kernel has no
// seccomp filters.
bool trap_escapes(EscapeLog&);

// Notes the threads that this process has beside the run: "thread worker beside the run". Only
// after trap_escapes(), with the gate closed.
void note_threads_beside();

}  // namespace pollux::cli
