// SPDX-License-Identifier: MIT
//
// What a process may ask about itself and its machine. A host's answers are the same on every
// machine and in every run.
#pragma once

#include "kernel/calls.h"

namespace pollux::kernel {

long call_uname(const Arguments&);
long call_sysinfo(const Arguments&);
long call_getrusage(const Arguments&);
long call_times(const Arguments&);
long call_getcpu(const Arguments&);
long call_getpid(const Arguments&);
long call_getppid(const Arguments&);

}  // namespace pollux::kernel
