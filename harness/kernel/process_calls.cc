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

// Processor time: that of the clocks CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID.
timeval processor_time() {
  Time used = now();
  return {used / explore::kSecond, used % explore::kSecond / 1000};
}

}  // namespace

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
