// SPDX-License-Identifier: MIT
//
// Runs plans one after the other in a forked child, and survives whatever they do.
//
// The child is kept as long as its runs hold; one that ends otherwise takes its child with it,
// since it leaves abandoned threads behind, and the next run gets a new one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "run/child.h"
#include "run/plan.h"

namespace pollux::run {

// Anything that can carry out a plan away from this process: a Worker for suites, an ExecRunner for
// programs.
class Runner {
 public:
  virtual ~Runner() = default;
  // Returns the result of any run, also of one that crashed or had to be killed.
  virtual RunResult run(const Plan&, const Watch& = {}) = 0;
  // Runs the plan once with each list of deviations, in their order, until a run does not hold.
  // Returns which, and that run's result; all of them held: `lists.size()`.
  virtual size_t run_until_failure(Plan, std::span<const std::vector<Deviation>> lists,
                                   const Watch&, RunResult&);
  // True when the most recent run ended in the death of its process.
  virtual bool last_died() const = 0;
};

class Worker final : public Runner {
 public:
  explicit Worker(const ProcessBounds& bounds = {});
  ~Worker() override;

  RunResult run(const Plan&, const Watch& = {}) override;
  size_t run_until_failure(Plan, std::span<const std::vector<Deviation>> lists, const Watch&,
                           RunResult&) override;
  bool last_died() const override { return died_; }

 private:
  struct Shared;
  void prepare(const Plan&, const Watch&);
  RunResult carry_out();
  void start(const Plan&);
  int child_main();
  void stop();
  bool can_take(const Plan&) const;
  bool answered(int& status, Killed& killed);

  ProcessBounds bounds_;
  std::unique_ptr<SharedMemory> memory_;
  Shared* shared_;
  Output output_;
  Plan base_;  // what the living child was forked with
  pid_t child_ = -1;
  int channel_ = -1;
  bool died_ = false;
};

}  // namespace pollux::run
