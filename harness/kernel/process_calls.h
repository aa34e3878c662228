// SPDX-License-Identifier: MIT
//
// What a process may ask about itself and its machine. A host's answers are the same on every
// machine and in every run.
#pragma once

#include "explore/clock.h"
#include "kernel/calls.h"
#include "kernel/state.h"

namespace pollux::kernel {

// --- The machine and the process, in figures.
inline constexpr char kRelease[] = "6.1.0";
inline constexpr char kVersion[] = "#1 SMP";
inline constexpr Time kTick = explore::kSecond / 100;  // USER_HZ
inline constexpr unsigned long kMemory = 8ul << 30;
inline constexpr long kResidentKiB = 16 << 10;
inline constexpr long kVirtualKiB = 64 << 10;

long call_uname(const Arguments&);
long call_sysinfo(const Arguments&);
long call_getrusage(const Arguments&);
long call_times(const Arguments&);
long call_getcpu(const Arguments&);
long call_getpid(const Arguments&);
long call_getppid(const Arguments&);
long call_getpgid(const Arguments&);
long call_getpgrp(const Arguments&);
long call_setpgid(const Arguments&);
long call_getsid(const Arguments&);
long call_setsid(const Arguments&);
long call_fork(const Arguments&);
long call_wait4(const Arguments&);
long call_waitid(const Arguments&);

}  // namespace pollux::kernel
