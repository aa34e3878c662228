// SPDX-License-Identifier: MIT
//
// The ways out of a process that pass by the handlers of exit(3).
#include "cli/exec_exit.h"

#include <sys/syscall.h>

#include "pollux/shim/raw_system_call.h"

#define POLLUX_ENTRY extern "C" __attribute__((visibility("default"), noreturn))

POLLUX_ENTRY void _exit(int status) {
  pollux::cli::program_exits(status);
  pollux::shim::raw_system_call(SYS_exit_group, status);
  __builtin_unreachable();
}

POLLUX_ENTRY void _Exit(int status) noexcept { _exit(status); }
POLLUX_ENTRY void quick_exit(int status) noexcept { _exit(status); }

// The library's own static objects are not destroyed: the loader would do so before the verdict is
// taken, since exit handlers that were registered ahead of main come after it. Hidden, so that the
// program's objects are none of its business.
extern "C" __attribute__((visibility("hidden"))) int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}
