// SPDX-License-Identifier: MIT

#include "oracle/process.h"

#include "explore/processes.h"
#include "explore/scheduler.h"
#include "kernel/network_rules.h"
#include "kernel/processes.h"
#include "oracle/judges.h"
#include "oracle/run_state.h"
#include "oracle/step_recorder.h"
#include "pollux/shim/gate.h"

namespace pollux::oracle {
namespace {

struct ProcessRun {
  std::unique_ptr<Strategy> strategy;
  ProcessRunEnd at_end = nullptr;
  bool on = false;
  bool looks_for_lost_memory = false, has_looked = false;
};
// Never destroyed: the run may end inside exit handlers that run after static destructors.
ProcessRun& process_run() {
  static ProcessRun* const run = new ProcessRun;
  return *run;
}

void run_ended(Verdict verdict, const std::string& reason) {
  ProcessRun& run = process_run();
  if (!run.on) return;
  run.on = false;
  Finding finding{verdict, reason};
  if (verdict == Verdict::time_limit) {
    const Finding stuck = judge_stuck_run();
    if (stuck.verdict == Verdict::lost_wakeup) finding.verdict = stuck.verdict;
    finding.reason += "; " + stuck.reason;
  }
  if (explore::in_child()) {
    const long id = explore::process(explore::own_process()).id;
    finding.reason = "in process " + std::to_string(id) + ": " + finding.reason;
  }
  if (verdict != Verdict::held) {
    if (const std::string others = explore::other_processes(); !others.empty())
      finding.reason += "; " + others;
  }
  disarm_run();
  run.at_end(collect_result(finding.verdict, finding.reason));
}

}  // namespace

void begin_process_run(const RunOptions& options, std::unique_ptr<Strategy> strategy,
                       ProcessRunEnd at_end, const std::function<void()>& populate,
                       std::function<void(unsigned host)> boot) {
  ProcessRun& run = process_run();
  run.strategy = std::move(strategy);
  run.at_end = at_end;
  run.on = true;
  arm_run(options);
  explore::adopt_main_thread(scheduler_options(options), *run.strategy, run_ended);
  shim::HarnessScope scope;
  if (options.log_steps) oracle::start_step_log();
  if (const std::string reason = why_not(options); !reason.empty())
    explore::end_run(Verdict::unmodelled, reason);
  run.looks_for_lost_memory = options.memory_leaks;
  kernel::begin_rules(options.plan.get(), std::move(boot));
  if (populate) populate();
}

__attribute__((noinline)) void process_returns() {
  ProcessRun& run = process_run();
  if (!run.looks_for_lost_memory || !run.on || !shim::in_run() || explore::in_child()) return;
  shim::HarnessScope scope;
  look_for_lost_memory(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  run.has_looked = true;
}

void end_process_run(int status, const std::string& complaint) {
  if (!process_run().on || !shim::in_run()) return;
  // Not a HarnessScope: the gate stays shut from here on, whatever exit handlers are still to come.
  shim::pollux_gate = 0;
  if (explore::in_child()) {
    process_run().on = false;
    return kernel::end_child((status & 0xFF) << 8);
  }
  if (status != 0) {
    run_ended(Verdict::violation, "exit status " + std::to_string(status));
  } else if (!complaint.empty()) {
    run_ended(Verdict::violation, complaint);
  } else {
    Finding finding{Verdict::held, ""};
    if (process_run().has_looked) finding = judge_memory();
    run_ended(finding.verdict, finding.reason);
  }
}

}  // namespace pollux::oracle
