// SPDX-License-Identifier: MIT
//
// Each file is a line of a table: its name, and what makes its content. proc(5), sysfs(5).
//
// A process sees itself as /proc/self, as /proc/PID with the number that getpid gives, and each of
// its threads below task/. What does not differ from run to run (its name, its arguments, the map
// of its memory) is copied from the real file at the moment of the open.
#include "kernel/proc_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "explore/clock.h"
#include "kernel/check.h"
#include "kernel/host.h"
#include "kernel/process_calls.h"
#include "kernel/state.h"
#include "pollux/shim/machine.h"
#include "pollux/shim/raw_system_call.h"

namespace pollux::kernel {
namespace {

constexpr unsigned kPageKiB = 4;

__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...) {
  char line[512];
  va_list list;
  va_start(list, format);
  int size = std::vsnprintf(line, sizeof line, format, list);
  va_end(list);
  POLLUX_KERNEL_CHECK(size >= 0 && static_cast<size_t>(size) < sizeof line);
  return {line, static_cast<size_t>(size)};
}

std::string real_file(const char* path) {
  std::string content;
  long fd = shim::raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path),
                                  O_RDONLY | O_CLOEXEC);
  if (fd < 0) return content;
  char part[4096];
  for (long got; (got = shim::raw_system_call(SYS_read, fd, reinterpret_cast<long>(part),
                                              sizeof part)) > 0;) {
    content.append(part, static_cast<size_t>(got));
  }
  shim::raw_system_call(SYS_close, fd);
  return content;
}

unsigned threads_of_process() {
  unsigned alive = 0;
  for (unsigned id = 0; id < explore::thread_count(); ++id) {
    const explore::ThreadInfo thread = explore::thread_info(static_cast<Actor>(id));
    alive += thread.alive && thread.host == explore::current_host();
  }
  return alive;
}

// --- /proc/self

std::string command_name() {
  std::string name = real_file("/proc/self/comm");
  if (!name.empty()) name.pop_back();  // the line's end
  return name;
}

std::string self_stat() {
  const long process = process_id(explore::current_host());
  std::string line =
      text("%ld (%s) R 1 %ld 1 0 -1 4194304 0 0 0 0 ", process, command_name().c_str(), process);
  line += text("%" PRId64 " 0 0 0 20 0 %u 0 %" PRId64 " ", now() / kTick, threads_of_process(),
               explore::kMonotonicBase / kTick);
  line += text("%ld %ld 18446744073709551615", kVirtualKiB * 1024, kResidentKiB / kPageKiB);
  // startcode ... exit_code: what only a debugger may know is 0 (proc(5)); 17 is SIGCHLD.
  return line + " 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

std::string self_statm() {
  long resident = kResidentKiB / kPageKiB;
  return text("%ld %ld %ld 1 0 %ld 0\n", kVirtualKiB / kPageKiB, resident, resident / 2, resident);
}

std::string self_status() {
  const long process = process_id(explore::current_host());
  std::string lines = "Name:\t" + command_name() + "\nUmask:\t0022\nState:\tR (running)\n";
  lines += text("Tgid:\t%ld\nNgid:\t0\nPid:\t%ld\nPPid:\t1\nTracerPid:\t0\n", process, process);
  for (const auto& [name, number] : {std::pair("Uid", SYS_geteuid), {"Gid", SYS_getegid}}) {
    long id = shim::raw_system_call(number);
    lines += text("%s:\t%ld\t%ld\t%ld\t%ld\n", name, id, id, id, id);
  }
  lines += "FDSize:\t256\nGroups:\t\n";
  lines += text("VmPeak:\t%8ld kB\nVmSize:\t%8ld kB\n", kVirtualKiB, kVirtualKiB);
  lines += text("VmHWM:\t%8ld kB\nVmRSS:\t%8ld kB\n", kResidentKiB, kResidentKiB);
  lines += text("Threads:\t%u\n", threads_of_process());
  return lines + text("Cpus_allowed:\t%x\nCpus_allowed_list:\t0-%d\n",
                      (1u << shim::kProcessors) - 1, shim::kProcessors - 1);
}

// Without what brought the harness in.
std::string self_environ() {
  std::string real = real_file("/proc/self/environ"), shown;
  for (size_t begin = 0, end; begin < real.size(); begin = end + 1) {
    end = std::min(real.find('\0', begin), real.size());
    std::string entry = real.substr(begin, end - begin);
    if (!entry.starts_with("POLLUX_") && !entry.starts_with("LD_PRELOAD=")) shown += entry + '\0';
  }
  return shown;
}

template <const char* name>
std::string as_it_is() {
  return real_file(name);
}
constexpr char kCommandLine[] = "/proc/self/cmdline", kComm[] = "/proc/self/comm",
               kMaps[] = "/proc/self/maps";

// --- The machine

std::string meminfo() {
  constexpr unsigned long kTotal = kMemory >> 10;
  std::string lines;
  auto line = [&](const char* name, unsigned long kib) {
    lines += text("%-16s%8lu kB\n", (std::string(name) + ":").c_str(), kib);
  };
  line("MemTotal", kTotal);
  line("MemFree", kTotal / 2);
  line("MemAvailable", kTotal / 2);
  for (const char* none : {"Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal",
                           "SwapFree", "Dirty", "Writeback", "Shmem", "Slab"}) {
    line(none, 0);
  }
  line("Hugepagesize", 2048);
  return lines;
}

std::string cpuinfo() {
  std::string lines;
  for (int i = 0; i < shim::kProcessors; ++i) {
    lines += text(
        "processor\t: %d\nvendor_id\t: Pollux\nmodel name\t: Pollux\ncpu MHz\t\t: 1000.000\n"
        "physical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\n\n",
        i, shim::kProcessors, i, shim::kProcessors);
  }
  return lines;
}

std::string machine_stat() {
  std::string lines;
  for (int i = -1; i < shim::kProcessors; ++i) {
    std::string name = i < 0 ? "cpu " : "cpu" + std::to_string(i);
    lines += text("%s %" PRId64 " 0 0 0 0 0 0 0 0 0\n", name.c_str(), i <= 0 ? now() / kTick : 0);
  }
  return lines + text("intr 0\nctxt 0\nbtime %" PRId64
                      "\nprocesses 1\nprocs_running 1\n"
                      "procs_blocked 0\n",
                      (explore::kRealtimeBase - explore::kMonotonicBase) / explore::kSecond);
}

std::string uptime() {
  Time up = explore::kMonotonicBase + now();
  return text("%" PRId64 ".%02" PRId64 " 0.00\n", up / explore::kSecond,
              up % explore::kSecond / kTick);
}

std::string host_name() { return text("host%u\n", explore::current_host()); }

std::string processors() { return text("0-%d\n", shim::kProcessors - 1); }

template <const char* line>
std::string always() {
  return line;
}

struct ProcFile {
  std::string_view path;
  std::string (*content)();
};

// Below /proc/self/.
constexpr ProcFile kOfProcess[] = {
    {"cmdline", as_it_is<kCommandLine>},
    {"comm", as_it_is<kComm>},
    {"environ", self_environ},
    {"maps", as_it_is<kMaps>},
    {"stat", self_stat},
    {"statm", self_statm},
    {"status", self_status},
};

#define POLLUX_LINE(name, content) constexpr char name[] = content "\n"
POLLUX_LINE(kZero, "0");
POLLUX_LINE(kRootGroup, "0::/");
POLLUX_LINE(kLoad, "0.00 0.00 0.00 1/1 4000000");
POLLUX_LINE(kLinux, "Linux");
POLLUX_LINE(kBacklog, "4096");
POLLUX_LINE(kBuffer, "212992");
POLLUX_LINE(kTcpBuffers, "4096\t131072\t6291456");
POLLUX_LINE(kPorts, "32768\t60999");
POLLUX_LINE(kPidMax, "4194304");
POLLUX_LINE(kMapsMax, "65530");
POLLUX_LINE(kSwappiness, "60");
POLLUX_LINE(kFilesMax, "9223372036854775807");
POLLUX_LINE(kFilesOpen, "1048576");
POLLUX_LINE(kHugePages, "always [madvise] never");
POLLUX_LINE(kClock, "tsc");
POLLUX_LINE(kBootId, "00000000-0000-4000-8000-000000000000");
#undef POLLUX_LINE

std::string release() { return std::string(kRelease) + "\n"; }
std::string version() { return std::string("Linux version ") + kRelease + " " + kVersion + "\n"; }

constexpr ProcFile kOfProcessAlways[] = {
    {"cgroup", always<kRootGroup>},
    {"oom_score", always<kZero>},
    {"oom_score_adj", always<kZero>},
};

constexpr ProcFile kOfMachine[] = {
    {"/proc/cpuinfo", cpuinfo},
    {"/proc/loadavg", always<kLoad>},
    {"/proc/meminfo", meminfo},
    {"/proc/stat", machine_stat},
    {"/proc/uptime", uptime},
    {"/proc/version", version},
    {"/proc/sys/fs/file-max", always<kFilesMax>},
    {"/proc/sys/fs/nr_open", always<kFilesOpen>},
    {"/proc/sys/kernel/hostname", host_name},
    {"/proc/sys/kernel/osrelease", release},
    {"/proc/sys/kernel/ostype", always<kLinux>},
    {"/proc/sys/kernel/pid_max", always<kPidMax>},
    {"/proc/sys/kernel/random/boot_id", always<kBootId>},
    {"/proc/sys/net/core/rmem_default", always<kBuffer>},
    {"/proc/sys/net/core/rmem_max", always<kBuffer>},
    {"/proc/sys/net/core/somaxconn", always<kBacklog>},
    {"/proc/sys/net/core/wmem_default", always<kBuffer>},
    {"/proc/sys/net/core/wmem_max", always<kBuffer>},
    {"/proc/sys/net/ipv4/ip_local_port_range", always<kPorts>},
    {"/proc/sys/net/ipv4/tcp_rmem", always<kTcpBuffers>},
    {"/proc/sys/net/ipv4/tcp_wmem", always<kTcpBuffers>},
    {"/proc/sys/vm/max_map_count", always<kMapsMax>},
    {"/proc/sys/vm/overcommit_memory", always<kZero>},
    {"/proc/sys/vm/swappiness", always<kSwappiness>},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", always<kClock>},
    {"/sys/devices/system/cpu/online", processors},
    {"/sys/devices/system/cpu/possible", processors},
    {"/sys/devices/system/cpu/present", processors},
    {"/sys/devices/system/node/online", always<kZero>},
    {"/sys/kernel/mm/transparent_hugepage/enabled", always<kHugePages>},
};

template <size_t count>
const ProcFile* find(const ProcFile (&files)[count], std::string_view path) {
  for (const ProcFile& file : files) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

bool is_below_proc(std::string_view path) {
  return path.starts_with("/proc/") || path.starts_with("/sys/") || path == "/proc" ||
         path == "/sys";
}

// Is the path the second argument, after a directory's descriptor?
bool has_directory(long number) {
  return number == SYS_openat || number == SYS_newfstatat || number == SYS_readlinkat ||
         number == SYS_unlinkat;
}

const char* path_of(long number, const Arguments& a) {
  return a.pointer<const char>(has_directory(number) ? 1 : 0);
}

// What follows "/proc/self/", "/proc/PID/" or one of their threads' directories.
std::optional<std::string_view> of_process(std::string_view path) {
  const std::string number = std::to_string(process_id(explore::current_host()));
  auto strip = [&path](std::string_view begin) {
    if (!path.starts_with(begin)) return false;
    path.remove_prefix(begin.size());
    return true;
  };
  if (!strip("/proc/self") && !strip("/proc/thread-self") && !strip("/proc/" + number)) return {};
  if (strip("/task/")) path.remove_prefix(std::min(path.find('/'), path.size()));
  if (path.empty()) return path;
  if (!strip("/")) return {};  // another number, that begins alike
  return path;
}

const ProcFile* find_file(std::string_view path) {
  if (auto inside = of_process(path)) {
    const ProcFile* file = find(kOfProcess, *inside);
    return file != nullptr ? file : find(kOfProcessAlways, *inside);
  }
  return find(kOfMachine, path);
}

[[noreturn]] void stop_at(const char* call, std::string_view path) {
  static std::string name;  // unmodelled() does not come back
  name = std::string(call) + " of " + std::string(path);
  unmodelled(name.c_str());
}

bool exists(const char* path) {
  return shim::raw_system_call(SYS_faccessat, AT_FDCWD, reinterpret_cast<long>(path), F_OK) == 0;
}

// What a link of the process leads to is no affair of /proc: its program, its directories, and the
// files of its real descriptors. The same path by /proc/self; empty for anything else.
std::string through_link(std::string_view path) {
  auto inside = of_process(path);
  if (!inside) return "";
  auto leads = [&](std::string_view link) {
    return *inside == link || inside->starts_with(std::string(link) + "/");
  };
  bool real_fd = inside->starts_with("fd/") && !is_twin_fd(std::atoi(inside->data() + 3));
  if (!leads("exe") && !leads("cwd") && !leads("root") && !real_fd) return "";
  return "/proc/self/" + std::string(*inside);
}

long open_text(const std::string& content, int flags) {
  long writer =
      shim::raw_system_call(SYS_memfd_create, reinterpret_cast<long>("pollux-proc"), MFD_CLOEXEC);
  if (writer < 0) return writer;
  shim::raw_system_call(SYS_write, writer, reinterpret_cast<long>(content.data()),
                        static_cast<long>(content.size()));
  // Another description of the same file, which can only read.
  const std::string again = "/proc/self/fd/" + std::to_string(writer);
  long reader = shim::raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(again.c_str()),
                                      O_RDONLY | (flags & O_CLOEXEC));
  shim::raw_system_call(SYS_close, writer);
  return reader;
}

long open_proc(const char* path, int flags, long mode) {
  if (const std::string real = through_link(path); !real.empty()) {
    return shim::raw_system_call(SYS_openat, AT_FDCWD, reinterpret_cast<long>(real.c_str()), flags,
                                 mode);
  }
  const ProcFile* file = find_file(path);
  if (file == nullptr) {
    // A directory lists what only the real kernel knows; so does a file that is not in the table.
    if (!exists(path)) return -ENOENT;
    stop_at("open", path);
  }
  if ((flags & O_ACCMODE) != O_RDONLY) return -EACCES;
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  return open_text(file->content(), flags);
}

long link_text(const std::string& content, char* target, size_t size) {
  if (size == 0) return -EINVAL;
  if (bad_address(target)) return -EFAULT;
  size_t copied = std::min(content.size(), size);
  std::memcpy(target, content.data(), copied);
  return static_cast<long>(copied);
}

std::optional<long> read_link(const char* path, char* target, size_t size) {
  if (std::string_view(path) == "/proc/self")
    return link_text(std::to_string(process_id(explore::current_host())), target, size);
  if (find_file(path) != nullptr) return -EINVAL;
  const std::string real = through_link(path);
  if (real.empty()) return {};
  return shim::raw_system_call(SYS_readlinkat, AT_FDCWD, reinterpret_cast<long>(real.c_str()),
                               reinterpret_cast<long>(target), static_cast<long>(size));
}

std::optional<long> status_of(const char* path, struct stat* status) {
  if (find_file(path) == nullptr) return {};
  if (bad_address(status)) return -EFAULT;
  *status = {};
  status->st_mode = S_IFREG | 0444;
  status->st_nlink = 1;
  status->st_blksize = 1024;
  return 0;
}

}  // namespace

bool leads_to_proc(long number, const Arguments& a) {
  const char* path = path_of(number, a);
  return !bad_address(path) && is_below_proc(path);
}

std::optional<long> answer_from_proc(long number, const Arguments& a) {
  if (!leads_to_proc(number, a)) return {};
  const char* path = path_of(number, a);
  const Arguments b = has_directory(number) ? Arguments{{a[1], a[2], a[3], 0, 0, 0}} : a;
  switch (number) {
    case SYS_openat:
#ifdef SYS_open
    case SYS_open:
#endif
      return open_proc(path, b.integer(1), b[2]);
    case SYS_newfstatat:
      return status_of(path, b.pointer<struct stat>(1));
    case SYS_readlinkat:
#ifdef SYS_readlink
    case SYS_readlink:
#endif
      return read_link(path, b.pointer<char>(1), static_cast<size_t>(b[2]));
    default:
      return {};
  }
}

}  // namespace pollux::kernel
