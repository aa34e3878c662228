// SPDX-License-Identifier: MIT
//
// The commands. Each adds its flags to a CLI11 subcommand and is run when that was chosen; it
// returns the exit code, or throws UsageError.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace pollux::cli {

class Command {
 public:
  virtual ~Command() = default;
  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;   // one line
  virtual const char* examples() const = 0;  // for its --help; lines that start with "  pollux"
  virtual const char* usage() const = 0;     // "run SUITE [flags]"
  virtual void add_flags(CLI::App&) = 0;
  // `program`: what follows "--" on the command line; only exec takes it.
  virtual int run(const std::vector<std::string>& program) = 0;
  virtual bool takes_program() const { return false; }
};

std::unique_ptr<Command> make_run_command();
std::unique_ptr<Command> make_exec_command();
std::unique_ptr<Command> make_explore_command();
std::unique_ptr<Command> make_replay_command();
std::unique_ptr<Command> make_shrink_command();
std::unique_ptr<Command> make_explain_command();
std::unique_ptr<Command> make_trace_command();
std::unique_ptr<Command> make_compare_command();
std::unique_ptr<Command> make_faults_command();
std::unique_ptr<Command> make_seeds_command();
std::unique_ptr<Command> make_doctor_command();

}  // namespace pollux::cli
