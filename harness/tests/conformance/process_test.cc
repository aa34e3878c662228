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

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

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

CONFORMANCE(Process, GroupAndSession) {
  FACT(getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp(), Holds());
  FACT(getsid(0) == getsid(getpid()) && getsid(0) >= 0, Holds());
  FACT(getpgid(-1), FailsWith(ESRCH));
  FACT(setpgid(0, -1), FailsWith(EINVAL));
  FACT(setpgid(-1, 0), FailsWith(EINVAL));
  FACT(setpgid(-1, getpid()), FailsWith(ESRCH));
}

// --- proc(5)

std::string content_of(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY));
  std::string content;
  char part[100];
  for (ssize_t size; (size = read(file, part, sizeof part)) > 0;)
    content.append(part, static_cast<size_t>(size));
  return content;
}

std::string own_directory() { return "/proc/" + std::to_string(getpid()); }

CONFORMANCE(Process, ProcTellsOfTheProcess) {
  int pid = 0, parent = 0, group = 0, session = 0;
  long threads = 0, resident = 0;
  std::string stat = content_of(own_directory() + "/stat");
  const char* behind_name = std::strrchr(stat.c_str(), ')');
  FACT(std::sscanf(stat.c_str(), "%d (", &pid) == 1 && behind_name != nullptr &&
           std::sscanf(behind_name,
                       ") %*c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                       "%*d %ld %*d %*u %*u %ld",
                       &parent, &group, &session, &threads, &resident) == 5,
       Holds());
  FACT(pid == getpid() && parent == getppid() && group == getpgrp(), Holds());
  FACT(session == getsid(0) && threads >= 1 && resident > 0, Holds());
  FACT(std::count(stat.begin(), stat.end(), ' ') - std::count(stat.c_str(), behind_name, ' ') == 50,
       Holds());
  std::string status = content_of("/proc/self/status");
  FACT(status.find("\nPid:\t" + std::to_string(pid) + "\n") != std::string::npos, Holds());
  FACT(content_of("/proc/self/cmdline") == content_of(own_directory() + "/cmdline"), Holds());
  char link[32] = "";
  FACT(readlink("/proc/self", link, sizeof link) > 0 && std::to_string(pid) == link, Holds());
  FACT(readlink("/proc/self/stat", link, sizeof link), FailsWith(EINVAL));
}

CONFORMANCE(Process, ProcTellsOfTheMachine) {
  struct sysinfo machine {};
  FACT(sysinfo(&machine), Succeeds(0));
  unsigned long total = 0;
  FACT(std::sscanf(content_of("/proc/meminfo").c_str(), "MemTotal: %lu kB", &total), Succeeds(1));
  FACT(total == machine.totalram * machine.mem_unit / 1024, Holds());
  utsname system{};
  FACT(uname(&system), Succeeds(0));
  FACT(content_of("/proc/sys/kernel/hostname") == std::string(system.nodename) + "\n", Holds());
  FACT(content_of("/proc/sys/kernel/osrelease") == std::string(system.release) + "\n", Holds());
  double up = 0;
  FACT(std::sscanf(content_of("/proc/uptime").c_str(), "%lf", &up), Succeeds(1));
  FACT(std::abs(up - static_cast<double>(now_ns(CLOCK_BOOTTIME)) / 1e9) < 1, Holds());
}

CONFORMANCE(Process, FilesOfProcCanNotBeWritten) {
  FACT(open("/proc/self/stat", O_RDONLY | O_DIRECTORY), FailsWith(ENOTDIR));
  FACT(open("/proc/self/no_such_file", O_RDONLY), FailsWith(ENOENT));
  Fd file(open("/proc/self/stat", O_RDONLY));
  char byte = 0;
  FACT(write(file, &byte, 1), FailsWith(EBADF));
  FACT(pread(file, &byte, 1, 1), Succeeds(1));
  FACT(lseek(file, 2, SEEK_SET), Succeeds(2));
  FACT(read(file, &byte, 1), Succeeds(1));
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
