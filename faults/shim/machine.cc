// SPDX-License-Identifier: MIT
//
// What a program sees of the machine. In a run every machine looks the same, so that a failure that
// was found on one is found again on another: programs size their thread pools by it.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstring>

#include "shim/entry.h"

using namespace pollux::shim;

extern "C" long __sysconf(int name) noexcept;

static constexpr int kProcessors = 4;

// In a static program there is no next definition, and __sysconf is libc's own.
static long real_sysconf(int name) {
  auto* real = POLLUX_NEXT(__sysconf);
  return real != nullptr ? real(name) : __sysconf(name);
}

POLLUX_ENTRY int get_nprocs() noexcept {
  return in_run() ? kProcessors : static_cast<int>(real_sysconf(_SC_NPROCESSORS_ONLN));
}

POLLUX_ENTRY int get_nprocs_conf() noexcept {
  return in_run() ? kProcessors : static_cast<int>(real_sysconf(_SC_NPROCESSORS_CONF));
}

static long configuration(int name) {
  bool asks_for_processors = name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF;
  return in_run() && asks_for_processors ? kProcessors : real_sysconf(name);
}
POLLUX_ENTRY long sysconf(int name) noexcept { return configuration(name); }
// Weak: libc.a has a strong one of its own.
POLLUX_ENTRY __attribute__((weak)) long __sysconf(int name) noexcept { return configuration(name); }

POLLUX_ENTRY int sched_getcpu() noexcept {
  if (in_run()) return 0;  // one OS thread carries the run
  unsigned cpu = 0;
  long value = call(SYS_getcpu, &cpu, nullptr, nullptr);
  return value < 0 ? result(value) : static_cast<int>(cpu);
}

POLLUX_ENTRY int sched_getaffinity(pid_t process, size_t size, cpu_set_t* set) noexcept {
  if (!in_run()) {
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
