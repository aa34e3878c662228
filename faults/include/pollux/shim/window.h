// SPDX-License-Identifier: MIT
//
// Which descriptor numbers belong to the twin, and who carries the run that is on.
//
// The twin hands out numbers in a window low enough for programs that index arrays by descriptor;
// the harness keeps the process's real descriptors below it (RLIMIT_NOFILE). A real thread that is
// not virtual can not reach the twin: if it uses a number of the window while a run is on, it holds
// a descriptor that was given to the run, and its call would go to the real kernel, where that
// number means nothing or something else. The shim stops the process there.
//
// Threads: `pollux_run_carrier` is written by the OS thread that carries the run, read by all.
#pragma once

#include <sys/types.h>

namespace pollux::shim {

inline constexpr int kWindowBase = 64;
inline constexpr int kWindowCount = 16384;

inline bool in_window(int fd) {
  return static_cast<unsigned>(fd - kWindowBase) < static_cast<unsigned>(kWindowCount);
}

// Kernel's id of the OS thread that carries the run; 0 when no run is on. Set by the harness when a
// run begins and ends.
extern "C" pid_t pollux_run_carrier;

}  // namespace pollux::shim
