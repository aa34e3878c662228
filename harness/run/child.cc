// SPDX-License-Identifier: MIT
#include "run/child.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "explore/memory_roots.h"
#include "run/check.h"

namespace pollux::run {

SharedMemory::SharedMemory(size_t size) : size_(size) {
  data_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
  check(data_ != MAP_FAILED, "no shared memory: mmap");
  explore::note_harness_memory(data_, size_);
}

SharedMemory::~SharedMemory() {
  explore::forget_harness_memory(data_);
  ::munmap(data_, size_);
}

Output::Output() {
  descriptor_ = ::memfd_create("pollux-output", MFD_CLOEXEC);
  check(descriptor_ >= 0, "no file for a child's output: memfd_create");
}

Output::~Output() { ::close(descriptor_); }

void Output::clear() {
  check(::ftruncate(descriptor_, 0) == 0, "ftruncate");
  check(::lseek(descriptor_, 0, SEEK_SET) == 0, "lseek");
}

std::string Output::tail(size_t bytes) const {
  off_t size = ::lseek(descriptor_, 0, SEEK_END);
  if (size <= 0) return "";
  off_t from = std::max<off_t>(0, size - static_cast<off_t>(bytes));
  std::string text(static_cast<size_t>(size - from), '\0');
  ssize_t got = ::pread(descriptor_, text.data(), text.size(), from);
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (from != 0) text.erase(0, text.find('\n') + 1);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

pid_t fork_child(const Output& output, const std::function<int()>& body) {
  std::fflush(nullptr);  // or the child would print it a second time
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  check(child >= 0, "no child process: fork");
  if (child != 0) return child;

  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal : {SIGINT, SIGTERM, SIGPIPE}) ::signal(signal, SIG_DFL);
  rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::dup2(output.descriptor(), STDOUT_FILENO);
  ::dup2(output.descriptor(), STDERR_FILENO);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  // No exit handlers and no flush: an abandoned thread may hold their locks for ever.
  ::_exit(body());
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

namespace {

RunResult died(std::string reason, const std::string& output, RunResult result) {
  result.verdict = Verdict::crash;
  std::string last = output.substr(output.rfind('\n') + 1);
  result.reason = std::move(reason) + (last.empty() ? "" : ": " + last.substr(0, 300));
  if (!output.empty()) result.details = "its last output:\n" + output;
  return result;
}

}  // namespace

RunResult crashed_run(int wait_status, const std::string& output, RunResult noted) {
  std::string reason =
      WIFSIGNALED(wait_status)
          ? signal_name(WTERMSIG(wait_status))
          : "exit status " + std::to_string(WEXITSTATUS(wait_status)) + " in the middle of the run";
  return died(std::move(reason), output, std::move(noted));
}

Killed beyond_bounds(pid_t process, std::chrono::steady_clock::time_point since,
                     const ProcessBounds& bounds) {
  unsigned long long size = 0, resident = 0;  // in pages: proc(5), statm
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  statm >> size >> resident;
  const auto mib = resident * static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE)) >> 20;
  if (mib >= bounds.resident_mib) return Killed::memory;
  const auto waited = std::chrono::steady_clock::now() - since;
  return waited >= std::chrono::seconds(bounds.stuck_seconds) ? Killed::stuck : Killed::no;
}

RunResult killed_run(Killed why, const ProcessBounds& bounds, const std::string& output) {
  if (why == Killed::memory) {
    return died("memory: " + std::to_string(bounds.resident_mib) +
                    " MiB in use, killed (--memory-max says how much a run may have)",
                output, {});
  }
  return died("stuck: no end after " + std::to_string(bounds.stuck_seconds) +
                  " s of real time, killed (a loop without a call or an atomic access?)",
              output, {});
}

}  // namespace pollux::run
