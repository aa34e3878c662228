// SPDX-License-Identifier: MIT
//
// Hidden inputs of a program: whatever of these it prints, hashes or decides by would differ from
// run to run if the real kernel answered.
#include "kernel/process_calls.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "kernel/host.h"

namespace pollux::kernel {
namespace {

// A process leads the only process group of a session that init began: so a shell starts its jobs.
constexpr long kSession = 1;

bool is_own(long process) { return process == 0 || process == process_id(explore::current_host()); }

// Processor time: that of the clocks CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID.
timeval processor_time() {
  Time used = now();
  return {used / explore::kSecond, used % explore::kSecond / 1000};
}

}  // namespace

long call_getpid(const Arguments&) { return process_id(explore::current_host()); }

// Whoever started it is none of the run's world: init has taken it over.
long call_getppid(const Arguments&) { return 1; }

long call_getpgid(const Arguments& a) {
  return is_own(a.integer(0)) ? process_id(explore::current_host()) : -ESRCH;
}

long call_getpgrp(const Arguments&) { return process_id(explore::current_host()); }

long call_setpgid(const Arguments& a) {
  auto group = a.integer(1) != 0 ? a.integer(1) : a.integer(0);  // 0: that of the process's number
  if (group < 0) return -EINVAL;
  if (!is_own(a.integer(0))) return -ESRCH;
  return is_own(group) ? 0 : -EPERM;  // there is no other group to join
}

long call_getsid(const Arguments& a) { return is_own(a.integer(0)) ? kSession : -ESRCH; }

// Not for the leader of a group (setsid(2)).
long call_setsid(const Arguments&) { return -EPERM; }

long call_uname(const Arguments& a) {
  auto* system = a.pointer<utsname>(0);
  if (bad_address(system)) return -EFAULT;
  *system = {};
  std::strcpy(system->sysname, "Linux");
  std::snprintf(system->nodename, sizeof system->nodename, "host%u", explore::current_host());
  std::strcpy(system->release, kRelease);
  std::strcpy(system->version, kVersion);
#if defined(__x86_64__)
  std::strcpy(system->machine, "x86_64");
#else
  std::strcpy(system->machine, "aarch64");
#endif
  std::strcpy(system->domainname, "(none)");
  return 0;
}

long call_sysinfo(const Arguments& a) {
  auto* machine = a.pointer<struct sysinfo>(0);
  if (bad_address(machine)) return -EFAULT;
  *machine = {};
  machine->uptime = (explore::kMonotonicBase + now()) / explore::kSecond;
  machine->totalram = kMemory;
  machine->freeram = kMemory / 2;
  machine->procs = 1;
  machine->mem_unit = 1;
  return 0;
}

long call_getrusage(const Arguments& a) {
  if (a.integer(0) != RUSAGE_SELF && a.integer(0) != RUSAGE_CHILDREN &&
      a.integer(0) != RUSAGE_THREAD)
    return -EINVAL;
  auto* usage = a.pointer<rusage>(1);
  if (bad_address(usage)) return -EFAULT;
  *usage = {};
  if (a.integer(0) == RUSAGE_CHILDREN) return 0;
  usage->ru_utime = processor_time();
  usage->ru_maxrss = kResidentKiB;
  return 0;
}

long call_times(const Arguments& a) {
  if (auto* used = a.pointer<tms>(0)) {
    if (bad_address(used)) return -EFAULT;
    *used = {};
    used->tms_utime = now() / kTick;
  }
  return (explore::kMonotonicBase + now()) / kTick;
}

// One OS thread carries the run.
long call_getcpu(const Arguments& a) {
  for (unsigned i : {0u, 1u}) {
    auto* number = a.pointer<unsigned>(i);
    if (number == nullptr) continue;
    if (bad_address(number)) return -EFAULT;
    *number = 0;
  }
  return 0;
}

}  // namespace pollux::kernel
