// SPDX-License-Identifier: MIT
//
// Making processes and waiting for them. What makes one of another program is refused (refused.cc).
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pollux/shim/fork.h"
#include "shim/entry.h"

using namespace pollux::shim;

namespace pollux::shim {

pid_t fork_of_libc() { return POLLUX_NEXT(fork)(); }

}  // namespace pollux::shim

POLLUX_ENTRY pid_t fork() noexcept {
  if (!in_run()) return fork_of_libc();
  return result(call(kForkNumber));
}

// A vfork that goes through a function of ours would return twice on one stack frame. fork does
// what a correct caller of vfork relies on.
POLLUX_ENTRY pid_t vfork() noexcept { return fork(); }

POLLUX_ENTRY pid_t wait4(pid_t pid, int* status, int options, rusage* usage) noexcept {
  return result(call(SYS_wait4, pid, status, options, usage));
}

POLLUX_ENTRY pid_t wait3(int* status, int options, rusage* usage) noexcept {
  return wait4(-1, status, options, usage);
}

POLLUX_ENTRY pid_t waitpid(pid_t pid, int* status, int options) {
  return wait4(pid, status, options, nullptr);
}

POLLUX_ENTRY pid_t wait(int* status) { return wait4(-1, status, 0, nullptr); }

POLLUX_ENTRY int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
  return result(call(SYS_waitid, type, id, info, options, nullptr));
}
