// SPDX-License-Identifier: MIT
//
// What a program sees of the machine. In a run every machine looks the same, so that a failure that
// was found on one is found again on another: programs size their thread pools by it.
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "pollux/shim/machine.h"
#include "shim/entry.h"

using namespace pollux::shim;

extern "C" long __sysconf(int name) noexcept;

// True in a process that is one run as a whole (`pollux exec`), before the run begins as well:
// allocators and other libraries look at the processors when they are loaded. Not there in other
// programs.
extern "C" __attribute__((weak, visibility("hidden"))) bool pollux_is_whole_process();

static bool has_processors_of_run() {
  return in_run() || (pollux_is_whole_process != nullptr && pollux_is_whole_process());
}

// In a static program there is no next definition, and __sysconf is libc's own.
static long real_sysconf(int name) {
  auto* real = POLLUX_NEXT(__sysconf);
  return real != nullptr ? real(name) : __sysconf(name);
}

POLLUX_ENTRY int get_nprocs() noexcept { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

POLLUX_ENTRY int get_nprocs_conf() noexcept {
  return static_cast<int>(sysconf(_SC_NPROCESSORS_CONF));
}

POLLUX_ENTRY int sysinfo(struct sysinfo* machine) noexcept {
  return result(call(SYS_sysinfo, machine));
}

// Pages of memory, of all or of what is free (get_phys_pages(3)).
static long pages_of(unsigned long sysinfo::*bytes) {
  struct sysinfo machine = {};
  if (sysinfo(&machine) != 0) return -1;
  return static_cast<long>(machine.*bytes * machine.mem_unit) / real_sysconf(_SC_PAGESIZE);
}
POLLUX_ENTRY long get_phys_pages() noexcept { return pages_of(&sysinfo::totalram); }
POLLUX_ENTRY long get_avphys_pages() noexcept { return pages_of(&sysinfo::freeram); }

static long configuration(int name) {
  if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) {
    if (has_processors_of_run()) return kProcessors;
  } else if (in_run()) {
    switch (name) {
      case _SC_PHYS_PAGES:
        return get_phys_pages();
      case _SC_AVPHYS_PAGES:
        return get_avphys_pages();
      default:
        break;
    }
  }
  return real_sysconf(name);
}
POLLUX_ENTRY long sysconf(int name) noexcept { return configuration(name); }
// Weak: libc.a has a strong one of its own.
POLLUX_ENTRY __attribute__((weak)) long __sysconf(int name) noexcept { return configuration(name); }

POLLUX_ENTRY pid_t getpid() noexcept { return static_cast<pid_t>(call(SYS_getpid)); }
POLLUX_ENTRY pid_t getppid() noexcept { return static_cast<pid_t>(call(SYS_getppid)); }
POLLUX_ENTRY pid_t getpgid(pid_t process) noexcept { return result(call(SYS_getpgid, process)); }
POLLUX_ENTRY pid_t getpgrp() noexcept { return getpgid(0); }
POLLUX_ENTRY int setpgid(pid_t process, pid_t group) noexcept {
  return result(call(SYS_setpgid, process, group));
}
POLLUX_ENTRY int setpgrp() noexcept { return setpgid(0, 0); }
POLLUX_ENTRY pid_t getsid(pid_t process) noexcept { return result(call(SYS_getsid, process)); }
POLLUX_ENTRY pid_t setsid() noexcept { return result(call(SYS_setsid)); }

// libc reads /proc/loadavg inside of itself. A run's machine is as busy as its program.
POLLUX_ENTRY int getloadavg(double* averages, int count) noexcept {
  if (!in_run()) {
    auto* real = POLLUX_NEXT(getloadavg);
    return real != nullptr ? real(averages, count) : -1;
  }
  count = std::min(count, 3);
  for (int i = 0; i < count; ++i) averages[i] = 0;
  return count;
}

POLLUX_ENTRY int getrusage(__rusage_who_t who, rusage* usage) noexcept {
  return result(call(SYS_getrusage, who, usage));
}

POLLUX_ENTRY clock_t times(tms* used) noexcept { return result<clock_t>(call(SYS_times, used)); }

POLLUX_ENTRY int sched_getcpu() noexcept {
  unsigned cpu = 0;
  long value = call(SYS_getcpu, &cpu, nullptr, nullptr);
  return value < 0 ? result(value) : static_cast<int>(cpu);
}

POLLUX_ENTRY int sched_getaffinity(pid_t process, size_t size, cpu_set_t* set) noexcept {
  if (!has_processors_of_run()) {
    long filled = call(SYS_sched_getaffinity, process, size, set);
    if (filled < 0) return result(filled);
    // The kernel tells how many bytes it wrote; libc clears the rest (sched_getaffinity(2), "C
    // library/kernel differences").
    std::memset(reinterpret_cast<char*>(set) + filled, 0, size - static_cast<size_t>(filled));
    return 0;
  }
  if (size * 8 < kProcessors) return result(-EINVAL);
  std::memset(set, 0, size);
  for (int cpu = 0; cpu < kProcessors; ++cpu) CPU_SET_S(cpu, size, set);
  return 0;
}
