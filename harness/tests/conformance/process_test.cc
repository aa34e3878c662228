// SPDX-License-Identifier: MIT
//
// What a process may ask about itself and its machine.
// uname(2), sysinfo(2), getrusage(2), times(2), getcpu(2), setitimer(2).
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>

#include "toolbox.h"

namespace conformance {
namespace {

CONFORMANCE(Process, NameOfTheSystem) {
  utsname system{};
  FACT(uname(&system), Succeeds(0));
  FACT(std::strcmp(system.sysname, "Linux") == 0, Holds());
  FACT(system.nodename[0] != '\0' && system.release[0] != '\0' && system.machine[0] != '\0',
       Holds());
  FACT(uname(nullptr), FailsWith(EFAULT));

  char name[64] = "";
  FACT(gethostname(name, sizeof name), Succeeds(0));
  FACT(std::strcmp(name, system.nodename) == 0, Holds());
}

CONFORMANCE(Process, MemoryOfTheMachine) {
  struct sysinfo machine {};
  FACT(sysinfo(&machine), Succeeds(0));
  FACT(machine.totalram > 0 && machine.freeram <= machine.totalram && machine.mem_unit > 0,
       Holds());
  FACT(machine.procs > 0, Holds());
  int64_t up = now_ns(CLOCK_BOOTTIME) / 1'000'000'000;
  FACT(machine.uptime >= up - 1 && machine.uptime <= up + 1, Holds());
  FACT(syscall(SYS_sysinfo, nullptr), FailsWith(EFAULT));

  long page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES);
  FACT(pages > 0 && sysconf(_SC_AVPHYS_PAGES) <= pages, Holds());
  FACT(get_phys_pages() == pages, Holds());
  FACT(static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) <=
           machine.totalram * machine.mem_unit,
       Holds());
}

CONFORMANCE(Process, ProcessorTime) {
  rusage before{}, after{};
  FACT(getrusage(RUSAGE_SELF, &before), Succeeds(0));
  FACT(getrusage(RUSAGE_CHILDREN, &after), Succeeds(0));
  FACT(getrusage(RUSAGE_THREAD, &after), Succeeds(0));
  FACT(getrusage(static_cast<__rusage_who>(99), &after), FailsWith(EINVAL));
  FACT(before.ru_maxrss > 0, Holds());
  FACT(getrusage(RUSAGE_SELF, &after), Succeeds(0));
  auto used = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  FACT(used(after) >= used(before), Holds());

  tms first{}, second{};
  clock_t start = times(&first);
  FACT(start >= 0, Holds());
  FACT(times(&second) >= start, Holds());
  FACT(second.tms_utime >= first.tms_utime && second.tms_stime >= first.tms_stime, Holds());
  FACT(times(nullptr) >= start, Holds());
}

CONFORMANCE(Process, WhereItRuns) {
  unsigned cpu = 77, node = 77;
  FACT(syscall(SYS_getcpu, &cpu, &node, nullptr), Succeeds(0));
  FACT(cpu < 77 || node < 77, Holds());
  FACT(syscall(SYS_getcpu, nullptr, nullptr, nullptr), Succeeds(0));
  FACT(sched_getcpu() >= 0, Holds());
}

CONFORMANCE(Process, StoppingATimerThatDoesNotRun) {
  itimerval never{}, before{{7, 7}, {7, 7}};
  FACT(setitimer(ITIMER_REAL, &never, &before), Succeeds(0));
  FACT(before.it_value.tv_sec == 0 && before.it_value.tv_usec == 0, Holds());
  FACT(setitimer(ITIMER_REAL, &never, nullptr), Succeeds(0));
  FACT(setitimer(static_cast<__itimer_which_t>(3), &never, nullptr), FailsWith(EINVAL));
}

}  // namespace
}  // namespace conformance
