// SPDX-License-Identifier: MIT
//
// fork(2) as the backend is asked for it, and as libc does it.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>

namespace pollux::shim {

// The backend's number for fork; not every architecture has one.
#ifdef SYS_fork
inline constexpr long kForkNumber = SYS_fork;
#else
inline constexpr long kForkNumber = 511;
#endif

// libc's own fork, with the handlers of pthread_atfork(3); -1 and errno when it failed.
pid_t fork_of_libc();

}  // namespace pollux::shim
