// SPDX-License-Identifier: MIT
//
// Programs as runs: `pollux exec` starts any dynamically linked program with libpollux.so
// preloaded, and the whole process is one run.
//
// For the rest of the command such a program is a suite named "exec" whose workload is the program
// and its arguments, and whose runs are carried out by an ExecRunner instead of a Worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/exec_escapes.h"
#include "cli/exec_workload.h"
#include "pollux/suite.h"
#include "run/tap.h"
#include "run/worker.h"

namespace pollux::cli {

inline constexpr std::string_view kExecSuite = "exec";

// Idempotent.
void register_exec_suite();

// "ADDRESS=FILE" or "ADDRESS=FILE*N", with the file's content. Throws UsageError.
ClientGroup parse_client(const std::string& text);

// The workload of a command line. Throws UsageError when the first word is no program that can be
// preloaded, and when a client's address or script is wrong.
std::string exec_workload(const std::vector<std::string>& arguments,
                          std::vector<ClientGroup> clients);

// The workload of a program that has been built anew since: puts today's build in and says which
// one it was, in a line. Empty: nothing to do.
std::string take_program_of_today(std::string& workload);

// What parent and program share.
struct ExecShared {
  static constexpr size_t kTokenMax = 64u << 20;
  static constexpr size_t kResultMax = 512u << 20;

  bool started;                  // by the library: it is loaded and reads the plan
  bool trace, steps, log_steps;  // by the parent
  bool trap_escapes;
  uint64_t points_max, calls_max;
  uint32_t stack_of;   // run::Watch
  size_t token_size;   // by the parent: the plan, as a token
  size_t result_size;  // by the library, last: 0 while there is no result
  size_t note_size;    // by the library's signal handler: what a crash left in `result`
  run::DeviationLog log;
  EscapeLog escapes;
  char token[kTokenMax];
  char result[kResultMax];
};

class ExecRunner final : public run::Runner {
 public:
  // `show_output`: the program writes where this process does; otherwise it is kept for reports.
  explicit ExecRunner(bool show_output, const run::ProcessBounds& bounds = {});
  RunResult run(const run::Plan&, const run::Watch& = {}) override;
  bool last_died() const override { return died_; }

  // From now on: notes which system calls of a run went past the shim, a line each.
  void trap_escapes() { trap_escapes_ = true; }
  const std::string& escapes() const { return escapes_; }  // of the last run

 private:
  bool show_output_;
  run::ProcessBounds bounds_;
  bool died_ = false, trap_escapes_ = false;
  std::string escapes_;
};

// A Worker, or an ExecRunner for a plan of the exec suite.
std::unique_ptr<run::Runner> make_runner(const run::Plan&, bool show_output = false);

// The build that carries out the plan: this binary, or for the exec suite the preloaded library.
std::string build_of(const run::Plan&);

// Where the code of the plan's runs is, as far as it is known without a run: this process, or the
// program alone.
std::vector<std::string> modules_of(const run::Plan&);

// Where the shell would find it, without symbolic links; empty when nowhere.
std::string find_program(const std::string& name);

}  // namespace pollux::cli
