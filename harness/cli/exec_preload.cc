// SPDX-License-Identifier: MIT
//
// libpollux.so: what `pollux exec` preloads into a program.
//
// Its constructor finds what ExecRunner left in shared memory, takes the traces of the preload out
// of the environment (the program's own children run on the real kernel) and begins the run; from
// there on the process is the run. It ends in one of four ways:
//
//   the program exits      on_exit(3)'s handler, which comes last since it was registered first, or
//                          _exit (exec_exit.cc): the verdict follows from the status, and the exit
//                          goes on
//   a judge or a bound     in the middle of the run: the result is left and the process ends here
//   a signal               nobody can tell: the parent sees the wait status
//
// A process that the program forks is part of the run. When it ends, its parent learns of it, and
// that is all; a judge or a bound that ends the run in there leaves the result in its place.
#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "cli/exec_clients.h"
#include "cli/exec_exit.h"
#include "cli/exec_launch.h"
#include "cli/exec_line.h"
#include "cli/exec_malloc.h"
#include "cli/exec_suite.h"
#include "explore/clock.h"
#include "explore/memory_roots.h"
#include "explore/processes.h"
#include "explore/race_shadow.h"
#include "explore/scheduler.h"
#include "oracle/process.h"
#include "pollux/shim/gate.h"
#include "pollux/shim/raw_system_call.h"
#include "run/crash_note.h"
#include "run/result_code.h"
#include "run/token.h"

namespace pollux::cli {
namespace {

struct Preloaded {
  ExecShared* shared = nullptr;
  run::Plan plan;
  std::unique_ptr<Strategy> inner;
  long process = 0;
  bool exiting = false;  // by itself: the exit goes on after the result was left
};
// Never destroyed: needed until the very end.
Preloaded* preloaded = nullptr;
bool begun = false;  // whether there is a run is known

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "pollux: libpollux.so: %s\n", what);
  shim::raw_system_call(SYS_exit_group, exit_code::kInternal);
  __builtin_unreachable();
}

bool is_the_run() {
  return preloaded != nullptr && shim::raw_system_call(SYS_getpid) == preloaded->process;
}

// What the processes of a run have chosen and told is in shared memory.
RunResult of_all_processes(RunResult result) {
  result.deviations = preloaded->shared->log.copy();
  std::istringstream others(explore::lines_of_processes());
  std::vector<std::string> lines;
  for (std::string line; std::getline(others, line);) lines.push_back(line);
  lines.insert(lines.end(), result.trace.begin(), result.trace.end());
  result.trace = std::move(lines);
  return result;
}

void leave_result(const RunResult& own) {
  if (!is_the_run() && !explore::in_child()) return;
  const RunResult result = explore::forked() ? of_all_processes(own) : own;
  ExecShared& shared = *preloaded->shared;
  if (shared.trap_escapes) note_threads_beside();
  shared.result_size = run::write_result(result, shared.result, ExecShared::kResultMax);
  std::string line;
  for (const JudgeNote& note : result.notes) line += "pollux: noted " + to_string(note) + "\n";
  line += exec_line(preloaded->plan.choices, result) + "\n";
  shim::raw_system_call(SYS_write, STDERR_FILENO, reinterpret_cast<long>(line.data()),
                        static_cast<long>(line.size()));
  explore::end_other_processes();
  if (preloaded->exiting) return;
  ::fflush_unlocked(stdout);  // a thread that will never run again may hold its lock
  shim::raw_system_call(SYS_exit_group, exit_code::kViolation);
}

void clean_environment() {
  const char* ours = std::getenv(kPreloadVariable);
  const char* value = std::getenv("LD_PRELOAD");
  if (ours == nullptr || value == nullptr) refuse("no LD_PRELOAD: start it by `pollux exec`");
  const std::string all = value;
  const size_t rest = static_cast<size_t>(std::atoi(ours)) + 1;  // and the colon
  if (rest >= all.size()) {
    ::unsetenv("LD_PRELOAD");
  } else {
    ::setenv("LD_PRELOAD", all.substr(rest).c_str(), 1);
  }
  for (const char* variable :
       {kExecVariable, kPreloadVariable, kPaddingVariable, kEvenVariable, kMovedVariable})
    ::unsetenv(variable);
}

// The kernel's gift of randomness (getauxval(3), AT_RANDOM). The loader has made its stack guard of
// it; what a program makes of it must not differ from run to run.
void fix_random_gift() {
  auto* bytes = reinterpret_cast<unsigned char*>(::getauxval(AT_RANDOM));
  for (unsigned char i = 0; bytes != nullptr && i < 16; ++i) bytes[i] = i;
}

void forked_child_begins() {
  if (!explore::is_forking()) return;
  shim::HarnessScope scope;
  explore::fork_ended_in_child();
}

ExecShared* map_shared(const char* descriptor_text) {
  int descriptor = std::atoi(descriptor_text);
  void* at = ::mmap(nullptr, sizeof(ExecShared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                    descriptor, 0);
  if (at == MAP_FAILED) refuse("no shared memory: start it by `pollux exec`");
  ::close(descriptor);
  explore::note_harness_memory(at, sizeof(ExecShared));
  return static_cast<ExecShared*>(at);
}

__attribute__((constructor)) void begin() {
  const char* descriptor = std::getenv(kExecVariable);
  begun = true;
  if (descriptor == nullptr) return;  // loaded by somebody else: everything passes through
  harness_before_run = true;
  preloaded = new Preloaded;
  ExecShared& shared = *(preloaded->shared = map_shared(descriptor));
  clean_environment();
  fix_random_gift();

  auto parsed = run::parse_token({shared.token, shared.token_size});
  if (auto* error = std::get_if<run::TokenError>(&parsed)) refuse(error->message.c_str());
  auto& token = std::get<run::Token>(parsed);
  preloaded->plan = {nullptr,         token.workload, token.choices,
                     token.overrides, token.then,     token.network};
  preloaded->inner = run::make_strategy(preloaded->plan);
  RunOptions options = run::make_options(preloaded->plan);
  options.trace = shared.trace;
  options.record_steps = shared.steps;
  options.log_steps = shared.log_steps;
  if (shared.points_max != 0) options.points_max = shared.points_max;
  if (shared.calls_max != 0) options.calls_max = shared.calls_max;
  explore::keep_stack_of(shared.stack_of);
  auto strategy = std::make_unique<run::Tap>(*preloaded->inner, shared.log);
  options.strategy = strategy.get();
  preloaded->process = shim::raw_system_call(SYS_getpid);
  run::note_crashes(shared.result, ExecShared::kResultMax, &shared.note_size);
  shared.started = true;
  if (shared.trap_escapes && !trap_escapes(shared.escapes))
    refuse("this kernel has no seccomp filters to trap system calls with");
  const ExecWorkload workload = parse_exec_workload(preloaded->plan.workload);
  oracle::begin_process_run(
      options, std::move(strategy), leave_result,
      [&] { start_clients(workload.clients, options.plan.get()); }, start_clients_of);
  harness_before_run = false;
  ::on_exit([](int status, void*) { program_exits(status); }, nullptr);
  // Registered before any of the program's, so in a child it runs before them.
  if (::pthread_atfork(nullptr, nullptr, forked_child_begins) != 0) refuse("no memory");
}

}  // namespace

// The run's time for whatever asks outside of it (shim/clocks.cc): constructors of libraries that
// come before begin(), the program's allocator when the harness gives it something back.
extern "C" __attribute__((visibility("hidden"))) bool pollux_clock_outside(clockid_t clock,
                                                                           timespec* now) {
  if (begun && preloaded == nullptr) return false;
  *now = explore::to_timespec(explore::clock_base(clock) + explore::timeline().now());
  return true;
}

// Who comes before begin() is going to be in the run (shim/machine.cc).
extern "C" __attribute__((visibility("hidden"))) bool pollux_is_whole_process() {
  return !begun || preloaded != nullptr;
}

void program_returns() {
  if (is_the_run()) oracle::process_returns();
}

void program_exits(int status) {
  if (explore::in_child()) return oracle::end_process_run(status);
  if (!is_the_run()) return;
  preloaded->exiting = true;
  oracle::end_process_run(status, client_left_behind());
}

}  // namespace pollux::cli
