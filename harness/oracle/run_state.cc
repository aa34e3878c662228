// SPDX-License-Identifier: MIT

#include "oracle/run_state.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <string>

#include "explore/judge_notes.h"
#include "explore/leaks.h"
#include "explore/scheduler.h"
#include "explore/thread_objects.h"
#include "kernel/kernel.h"
#include "oracle/judges.h"
#include "oracle/step_recorder.h"
#include "pollux/faults/point.h"
#include "pollux/shim/backend.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::oracle {
namespace {

// Real descriptors stay below the twin's window, so that a number says whose it is. The program
// asks the twin for its limit and never sees this one.
void keep_real_descriptors_below_window() {
  rlimit limit{};
  const long got =
      shim::raw_system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit));
  if (got == 0 && limit.rlim_cur > static_cast<rlim_t>(kernel::kFdBase)) {
    limit.rlim_cur = kernel::kFdBase;
    shim::raw_system_call(SYS_prlimit64, 0, RLIMIT_NOFILE, reinterpret_cast<long>(&limit), 0);
  }
}

// A failure point asks: the answer is a choice like every other, made by whoever runs.
bool decide_fault(faults::PointId point) {
  if (kernel::kernel().spares_caller()) return false;
  return explore::choose(static_cast<Site>(site::kFirstFault + point), 2) != 0;
}

class UnmodelledEndsRun final : public shim::Unmodelled {
 public:
  void unmodelled(const char* name) override {
    explore::end_run(Verdict::unmodelled, std::string(name) + " is not modelled by the twin");
  }
};

void judge_quiescence() {
  Finding finding = judge_stuck_run();
  explore::end_run(finding.verdict, finding.reason);
}

}  // namespace

void connect_parts() {
  static UnmodelledEndsRun unmodelled;
  static const bool connected = [] {
    shim::install_backend({.calls = &kernel::kernel(),
                           .threads = &explore::thread_objects(),
                           .unmodelled = &unmodelled});
    faults::set_decider(decide_fault);
    explore::set_quiescence_judge(judge_quiescence);
    return true;
  }();
  (void)connected;
}

std::string why_not(const RunOptions& options) {
  if (!options.memory_leaks || explore::can_track_memory()) return "";
  return "lost memory can not be looked for: the program's allocator is a sanitizer's or one of "
         "its own executable, or there is no address space for another";
}

void arm_run(const RunOptions& options) {
  if (options.memory_leaks && explore::can_track_memory()) explore::begin_tracking();
  connect_parts();
  keep_real_descriptors_below_window();
  trace::recorder.begin(options.trace, options.record_steps);
  kernel::kernel().reset({.network = options.network,
                          .plan = options.plan.get(),
                          .call_cost_ns = options.call_cost_ns,
                          .clock_cost_ns = options.clock_cost_ns,
                          .fd_limit = options.fd_limit,
                          .calls_max = options.calls_max,
                          .spin_returns_max = options.spin_returns_max});
  faults::arm(options.fault_points);
}

explore::SchedulerOptions scheduler_options(const RunOptions& options) {
  return {.points_max = options.points_max,
          .plain_points = options.plain_points,
          .time_max = options.virtual_time_max_ns,
          .races = options.races,
          .weak_memory = options.weak_memory,
          .real_threads = options.real_threads,
          .strict = options.strict};
}

void disarm_run() {
  faults::disarm_all();
  kernel::kernel().finish();
  explore::end_tracking();
}

RunResult collect_result(Verdict verdict, std::string reason) {
  const explore::Outcome outcome = explore::outcome();
  RunResult result;
  result.verdict = verdict;
  result.reason = std::move(reason);
  if (verdict == Verdict::data_race) result.details = explore::race_details();
  if (verdict == Verdict::leaked_memory) result.details = explore::lost_memory()->details;
  if (verdict != Verdict::held) result.details += describe_world();
  result.hash = trace::recorder.hash;
  result.points = outcome.points;
  result.switches = outcome.switches;
  result.calls = kernel::kernel().calls();
  result.faults = kernel::kernel().faults();
  result.virtual_ns = explore::timeline().now();
  result.deviations = explore::choices().deviations();
  result.notes = explore::notes();
  result.trace = std::move(trace::recorder.lines);
  result.step_hashes = std::move(trace::recorder.steps);
  result.log = oracle::take_step_log();
  return result;
}

}  // namespace pollux::oracle
