// SPDX-License-Identifier: MIT
//
// What `run` and `exec` have in common: flags, the sweep, its reports, its exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/machine_output.h"
#include "run/failures_db.h"
#include "run/sweep.h"

namespace pollux::cli {

struct SweepFlags {
  std::string seeds, seed, shard, duration, jobs, stuck, memory_max;
  std::string profile = "legal", strategy = "random";
  std::string db, junit, hashes, network;
  std::vector<std::string> settings;
  JudgeFlags judges;
  bool audit = false, audit_moved = false, fail_fast = false, json = false, quiet = false;

  void add(CLI::App&);
};

// What --stuck and --memory-max say.
run::ProcessBounds process_bounds(const SweepFlags&);  // throws UsageError

// Turns flags into a request and carries it out for one suite after the other.
class SweepCommand {
 public:
  explicit SweepCommand(const SweepFlags&);  // throws UsageError
  const std::shared_ptr<const run::NetworkFile>& network() const { return base_.network; }
  // Every run has that one; it is valid.
  void take_workload(std::string workload) { base_.workload = std::move(workload); }
  // Returns the exit code. `carry_out` as in SweepRequest.
  int run(const std::vector<const Suite*>&,
          std::function<RunResult(const run::Plan&, const run::Watch&)> carry_out = nullptr);

 private:
  class Listener;
  run::SweepRequest request_for(const Suite&) const;
  int run_one(const run::SweepRequest&);
  std::string remember(const run::SweepRequest&, const run::SweepFailure&);
  void print_divergence(const run::SweepFailure&) const;

  SweepFlags flags_;
  run::SweepRequest base_;
  bool open_ended_ = false;  // a duration without a range: as many seeds as fit
  JsonLines json_;
  std::vector<run::FailuresDb> db_;  // none until something failed
  std::vector<JunitSuite> junit_;
  std::string
      last_words_;  // printed at the very end: the first failure of the last suite that had one
  bool interrupted_ = false;
};

}  // namespace pollux::cli
