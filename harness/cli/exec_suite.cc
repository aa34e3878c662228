// SPDX-License-Identifier: MIT
#include "cli/exec_suite.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "cli/arguments.h"
#include "cli/client_script.h"
#include "cli/exec_launch.h"
#include "cli/exec_line.h"
#include "explore/modules.h"
#include "run/build_info.h"
#include "run/check.h"
#include "run/result_code.h"
#include "run/text_code.h"
#include "run/token.h"

namespace pollux::cli {
namespace {

// The build id, or for a program without one a checksum of the file.
std::string identify(const std::string& path) {
  std::string id = run::build_id_of_file(path);
  if (!id.empty()) return id;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return "file-" + run::checksum(content.str());
}

// Only the dynamic loader preloads.
bool asks_for_loader(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  ElfW(Ehdr) header;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return false;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    file.seekg(static_cast<std::streamoff>(header.e_phoff + i * header.e_phentsize));
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) return false;
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

// What is wrong with the clients; empty when nothing is.
std::string problem_of(const std::vector<ClientGroup>& clients) {
  unsigned count = 0;
  for (const ClientGroup& group : clients) {
    count += group.count;
    auto address = parse_server_address(group.address);
    if (auto* right = std::get_if<std::string>(&address))
      return "--client: address '" + group.address + "': " + *right;
    auto steps = parse_client_script(group.script, group.file, 0);
    if (auto* error = std::get_if<ClientScriptError>(&steps)) return error->message;
  }
  if (count <= kClientsMax) return "";
  return "--client: " + std::to_string(count) + " clients: at most " + std::to_string(kClientsMax) +
         " can play";
}

class ExecSuite final : public Suite {
 public:
  std::string_view name() const override { return kExecSuite; }
  std::string_view description() const override { return "a program of yours (pollux exec)"; }
  // Which program it is comes from the command line and not from a seed.
  std::string workload(uint64_t) const override { return workload_; }
  void set_workload(std::string workload) { workload_ = std::move(workload); }

  std::string validate(const std::string& workload) const override {
    try {
      ExecWorkload program = parse_exec_workload(workload);
      if (::access(program.program.c_str(), X_OK) != 0)
        return "there is no program " + program.program;
      std::string build = identify(program.program);
      if (build == program.build) return problem_of(program.clients);
      return program.program + " is build " + build + ", the token was made with build " +
             program.build;
    } catch (const std::invalid_argument&) {
      return "it names no program";
    }
  }
  // The same program with fewer clients.
  std::vector<std::string> shrinks(const std::string& workload) const override {
    const ExecWorkload whole = parse_exec_workload(workload);
    std::vector<std::string> smaller;
    for (size_t i = 0; i < whole.clients.size(); ++i) {
      const unsigned count = whole.clients[i].count;
      if (whole.clients.size() > 1) {
        ExecWorkload without = whole;
        without.clients.erase(without.clients.begin() + static_cast<long>(i));
        smaller.push_back(to_text(without));
      }
      for (unsigned fewer : {1u, count / 2, count - 1}) {
        if (fewer == 0 || fewer >= count) continue;
        ExecWorkload less = whole;
        less.clients[i].count = fewer;
        smaller.push_back(to_text(less));
      }
    }
    return smaller;
  }
  std::string describe(const std::string& workload) const override {
    const ExecWorkload program = parse_exec_workload(workload);
    std::string line;
    for (const std::string& argument : program.arguments)
      line += (line.empty() ? "" : " ") + argument;
    for (const ClientGroup& group : program.clients) {
      line += "; " + std::to_string(group.count) +
              (group.count == 1 ? " client plays " : " clients play ") + group.file + " at " +
              group.address;
    }
    return line;
  }
  void populate(const std::string&, World&) const override {
    run::check(false, "a program does not run in this process");
  }
  bool planted() const override { return true; }

 private:
  std::string workload_;
};

ExecSuite& exec_suite() {
  static ExecSuite suite;
  return suite;
}

class SharedFile {
 public:
  SharedFile() {
    descriptor_ = ::memfd_create("pollux-exec", MFD_CLOEXEC);
    run::check(descriptor_ >= 0 && ::ftruncate(descriptor_, sizeof(ExecShared)) == 0,
               "memfd_create");
    void* at = ::mmap(nullptr, sizeof(ExecShared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_NORESERVE, descriptor_, 0);
    run::check(at != MAP_FAILED, "mmap");
    shared_ = static_cast<ExecShared*>(at);
  }
  ~SharedFile() {
    ::munmap(shared_, sizeof(ExecShared));
    ::close(descriptor_);
  }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;
  ExecShared& operator*() { return *shared_; }
  ExecShared* operator->() { return shared_; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  ExecShared* shared_;
};

// Whether and why it had to be killed.
run::Killed wait_for(pid_t child, const run::ProcessBounds& bounds, int& status) {
  pollfd ends = {static_cast<int>(::syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  run::check(ends.fd >= 0, "pidfd_open");
  constexpr int kLookMs = 100;
  const auto since = std::chrono::steady_clock::now();
  run::Killed killed = run::Killed::no;
  while (killed == run::Killed::no && ::poll(&ends, 1, kLookMs) <= 0)
    killed = run::beyond_bounds(child, since, bounds);
  ::close(ends.fd);
  if (killed != run::Killed::no) ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return killed;
}

}  // namespace

void register_exec_suite() {
  if (find_suite(kExecSuite) == nullptr) register_suite(&exec_suite());
}

std::string take_program_of_today(std::string& workload) {
  try {
    ExecWorkload program = parse_exec_workload(workload);
    const std::string build = identify(program.program);
    if (build == program.build || ::access(program.program.c_str(), X_OK) != 0) return "";
    std::string other = "token was made with build " + program.build + " of " + program.program +
                        ", which is build " + build + " now";
    program.build = build;
    workload = to_text(program);
    return other;
  } catch (const std::invalid_argument&) {
    return "";  // whoever validates it says what is wrong
  }
}

std::string exec_workload(const std::vector<std::string>& arguments,
                          std::vector<ClientGroup> clients) {
  std::string path = find_program(arguments.at(0));
  if (path.empty()) throw UsageError{"no program '" + arguments[0] + "' that can be executed"};
  if (!asks_for_loader(path)) {
    throw UsageError{"'" + path +
                     "' is no dynamically linked program: only those can be put on the twin"};
  }
  preloads_for(path);
  if (std::string problem = problem_of(clients); !problem.empty()) throw UsageError{problem};
  std::string workload = to_text({path, arguments, identify(path), std::move(clients)});
  exec_suite().set_workload(workload);
  return workload;
}

std::string find_program(const std::string& name) {
  auto real = [](const std::string& path) {
    char resolved[PATH_MAX];
    bool good = ::access(path.c_str(), X_OK) == 0 && ::realpath(path.c_str(), resolved) != nullptr;
    return good ? std::string(resolved) : std::string();
  };
  if (name.find('/') != std::string::npos) return real(name);
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string found = real((folder.empty() ? "." : folder) + "/" + name);
    if (!found.empty()) return found;
  }
  return "";
}

ClientGroup parse_client(const std::string& text) {
  const std::string flag = "--client '" + text + "': ";
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError{flag + "use ADDRESS=FILE or ADDRESS=FILE*N, like 127.0.0.1:7000=get.txt*4"};
  ClientGroup group{text.substr(0, equals), text.substr(equals + 1), "", 1};
  if (size_t star = group.file.rfind('*'); star != std::string::npos) {
    group.count = static_cast<unsigned>(
        parse_number("--client ...*", group.file.substr(star + 1), 1, kClientsMax));
    group.file.erase(star);
  }
  std::ifstream file(group.file, std::ios::binary);
  std::ostringstream script;
  if (!file || !(script << file.rdbuf())) {
    throw UsageError{flag + "'" + group.file + "' can not be read, or is empty"};
  }
  group.script = script.str();
  return group;
}

std::string build_of(const run::Plan& plan) {
  if (plan.suite == nullptr || plan.suite->name() != kExecSuite) return run::build_id();
  static const std::string build = run::build_id_of_file(preload_library());
  return build;
}

std::vector<std::string> modules_of(const run::Plan& plan) {
  if (plan.suite->name() != kExecSuite) return explore::module_paths();
  return {parse_exec_workload(plan.workload).program};
}

ExecRunner::ExecRunner(bool show_output, const run::ProcessBounds& bounds)
    : show_output_(show_output), bounds_(bounds) {}

RunResult ExecRunner::run(const run::Plan& plan, const run::Watch& watch) {
  SharedFile shared;
  std::string token = run::encode(run::make_token(plan, {}));
  run::check(token.size() <= ExecShared::kTokenMax, "too many deviations");
  shared->trace = watch.trace;
  shared->steps = watch.steps;
  shared->log_steps = watch.log;
  shared->points_max = watch.points_max;
  shared->calls_max = watch.calls_max;
  shared->stack_of = watch.stack_of;
  shared->trap_escapes = trap_escapes_;
  shared->token_size = token.size();
  std::copy(token.begin(), token.end(), shared->token);

  const ExecWorkload program = parse_exec_workload(plan.workload);
  const std::string preloads = preloads_for(program.program);
  run::Output output;
  int out = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3),
      err = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  pid_t child = run::fork_child(output, [&] {
    if (show_output_) {
      ::setpgid(0,
                ::getpgid(::getppid()));  // it shares the terminal, so it gets its interrupts, too
      ::dup2(out, STDOUT_FILENO);
      ::dup2(err, STDERR_FILENO);
    }
    become(program, preloads, shared.descriptor(), watch.moved);
    return 127;
  });
  ::close(out);
  ::close(err);
  int status = 0;
  const run::Killed killed = wait_for(child, bounds_, status);
  died_ = shared->result_size == 0;
  escapes_.assign(shared->escapes.text, shared->escapes.size);
  if (!died_) return run::read_result(shared->result, shared->result_size);

  std::string last = show_output_ ? "" : output.tail();
  RunResult noted;
  if (shared->note_size != 0) noted = run::read_result(shared->result, shared->note_size);
  RunResult result = killed == run::Killed::no ? run::crashed_run(status, last, std::move(noted))
                                               : run::killed_run(killed, bounds_, last);
  if (!shared->started) result.reason = "the program did not start: " + result.reason;
  if (shared->note_size == 0) result.deviations = shared->log.copy();
  if (show_output_) std::fprintf(stderr, "%s\n", exec_line(plan.choices, result).c_str());
  return result;
}

std::unique_ptr<run::Runner> make_runner(const run::Plan& plan, bool show_output) {
  if (plan.suite->name() == kExecSuite) return std::make_unique<ExecRunner>(show_output);
  return std::make_unique<run::Worker>();
}

}  // namespace pollux::cli
