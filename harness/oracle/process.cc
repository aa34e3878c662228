// SPDX-License-Identifier: MIT

#include "oracle/process.h"

#include "explore/scheduler.h"
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
  disarm_run();
  run.at_end(collect_result(finding.verdict, finding.reason));
}

}  // namespace

void begin_process_run(const RunOptions& options, std::unique_ptr<Strategy> strategy,
                       ProcessRunEnd at_end, const std::function<void()>& populate) {
  ProcessRun& run = process_run();
  run.strategy = std::move(strategy);
  run.at_end = at_end;
  run.on = true;
  arm_run(options);
  explore::adopt_main_thread({.points_max = options.points_max,
                              .plain_points = options.plain_points,
                              .time_max = options.virtual_time_max_ns,
                              .races = options.races,
                              .weak_memory = options.weak_memory,
                              .real_threads = options.real_threads},
                             *run.strategy, run_ended);
  if (options.log_steps) oracle::start_step_log();
  if (!populate) return;
  shim::HarnessScope scope;
  populate();
}

void end_process_run(int status, const std::string& complaint) {
  if (!process_run().on || !shim::in_run()) return;
  // Not a HarnessScope: the gate stays shut from here on, whatever exit handlers are still to come.
  shim::pollux_gate = 0;
  if (status != 0) {
    run_ended(Verdict::violation, "exit status " + std::to_string(status));
  } else if (!complaint.empty()) {
    run_ended(Verdict::violation, complaint);
  } else {
    run_ended(Verdict::held, "");
  }
}

}  // namespace pollux::oracle
