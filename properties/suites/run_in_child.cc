// SPDX-License-Identifier: MIT
//
// Parent and child share a file (memfd) for results and one for the child's stderr: no pipe that
// could fill up, no reader that must run at the same time. A result is four lines: verdict and
// number of faults, reason, errors joined by '|', and an empty one that says that it is complete.
#include "suites/run_in_child.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace pollux::properties {
namespace {

// A run takes milliseconds; whatever is longer than this is stuck outside of the harness's bounds.
constexpr unsigned kSecondsMax = 60;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

class SharedFile {
 public:
  explicit SharedFile(const char* name) : fd_(memfd_create(name, 0)) {
    if (fd_ < 0) die("memfd_create");
  }
  ~SharedFile() { close(fd_); }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  int fd() const { return fd_; }
  std::string text() const {
    std::string all;
    char buffer[4096];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd_, buffer, sizeof buffer, at)) > 0; at += n)
      all.append(buffer, static_cast<size_t>(n));
    return all;
  }

 private:
  int fd_;
};

std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  return text;
}

void write_result(int fd, const ChildRun& run) {
  std::string text = std::to_string(static_cast<int>(run.verdict)) + ' ' +
                     std::to_string(run.faults) + '\n' + one_line(run.reason) + '\n';
  for (const std::string& error : run.errors) text += error + '|';
  text += "\n\n";
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) _exit(71);
}

[[noreturn]] void be_child(uint64_t first, uint64_t end, int results, int errors,
                           const std::function<ChildRun(uint64_t)>& run) {
  dup2(errors, STDERR_FILENO);
  for (uint64_t seed = first; seed != end; ++seed) {
    alarm(kSecondsMax);
    ChildRun result = run(seed);
    write_result(results, result);
    if (result.verdict != Verdict::held) break;
  }
  _exit(0);
}

std::vector<ChildRun> complete_results(const std::string& text) {
  std::vector<ChildRun> runs;
  std::istringstream lines(text);
  std::string head, reason, errors, end;
  while (std::getline(lines, head) && std::getline(lines, reason) && std::getline(lines, errors) &&
         std::getline(lines, end)) {
    ChildRun run;
    int verdict = 0;
    std::istringstream(head) >> verdict >> run.faults;
    run.verdict = static_cast<Verdict>(verdict);
    run.reason = reason;
    std::istringstream each(errors);
    for (std::string error; std::getline(each, error, '|');) run.errors.push_back(error);
    runs.push_back(std::move(run));
  }
  return runs;
}

std::string last_line(const std::string& text) {
  std::string last;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) last = line;
  return last;
}

}  // namespace

std::vector<ChildRun> run_in_children(uint64_t first, unsigned count,
                                      const std::function<ChildRun(uint64_t seed)>& run) {
  std::vector<ChildRun> runs;
  while (runs.size() < count) {
    SharedFile results("pollux-results"), errors("pollux-stderr");
    std::fflush(nullptr);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) be_child(first + runs.size(), first + count, results.fd(), errors.fd(), run);
    int status = 0;
    if (waitpid(child, &status, 0) != child) die("waitpid");
    std::vector<ChildRun> done = complete_results(results.text());
    runs.insert(runs.end(), done.begin(), done.end());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ChildRun crash;
    crash.verdict = Verdict::crash;
    crash.reason = last_line(errors.text());
    if (crash.reason.empty())
      crash.reason = WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                         : "exit status " + std::to_string(WEXITSTATUS(status));
    runs.push_back(std::move(crash));
  }
  return runs;
}

}  // namespace pollux::properties
