// SPDX-License-Identifier: MIT
//
// A run inside of a process. World puts the parts together and takes the verdict; it holds no state
// of the simulation itself. The order at the end matters: the scheduler's verdict first (a
// property, a judge or a bound ended the run), then the judges of ended runs, and only then is the
// twin looked at for the report. Memory is looked at first of all, before anything is taken down.

#include "pollux/world.h"

#include <cstdio>
#include <cstdlib>

#include "explore/scheduler.h"
#include "kernel/network_rules.h"
#include "oracle/judges.h"
#include "oracle/run_state.h"
#include "oracle/step_recorder.h"
#include "pollux/shim/gate.h"
#include "trace/recorder.h"

namespace pollux {

struct World::State {
  RunOptions options;
  struct Body {
    std::string name;
    unsigned host;
    std::function<void()> body;
  };
  std::vector<Body> bodies;
};

World::World(const RunOptions& options) : state_(std::make_unique<State>()) {
  if (options.strategy == nullptr) {
    std::fprintf(stderr, "pollux: World needs a strategy\n");
    std::abort();
  }
  state_->options = options;
}

World::~World() = default;

void World::add_thread(std::string name, unsigned host, std::function<void()> body) {
  state_->bodies.push_back({std::move(name), host, std::move(body)});
}

RunResult World::run() {
  const RunOptions& options = state_->options;
  if (const std::string reason = oracle::why_not(options); !reason.empty()) {
    RunResult refused;
    refused.verdict = Verdict::unmodelled;
    refused.reason = reason;
    return refused;
  }
  oracle::arm_run(options);
  explore::begin_run(oracle::scheduler_options(options), *options.strategy);
  if (options.log_steps) oracle::start_step_log();
  kernel::begin_rules(options.plan.get(), [this](unsigned host) {
    for (const State::Body& body : state_->bodies) {
      if (body.host == host) explore::spawn(body.name, body.host, body.body);
    }
  });
  for (const State::Body& body : state_->bodies) explore::spawn(body.name, body.host, body.body);
  explore::run_to_end();
  const bool look = options.memory_leaks && explore::outcome().verdict == Verdict::held;
  if (look) oracle::look_for_lost_memory(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  oracle::disarm_run();

  const explore::Outcome outcome = explore::outcome();
  oracle::Finding finding{outcome.verdict, outcome.reason};
  if (finding.verdict == Verdict::held && options.check_leaks) finding = oracle::judge_ended_run();
  if (finding.verdict == Verdict::held && look) finding = oracle::judge_memory();
  if (finding.verdict == Verdict::time_limit) {
    // Something is still due (a periodic timer, say), but nothing has come of it for the whole time
    // that the run was given: the same question as at quiescence.
    const oracle::Finding stuck = oracle::judge_stuck_run();
    finding = {stuck.verdict == Verdict::lost_wakeup ? stuck.verdict : finding.verdict,
               finding.reason + "; " + stuck.reason};
  }
  return oracle::collect_result(finding.verdict, finding.reason);
}

void fail(const char* property, const std::string& message) {
  // Not in_run(): a watcher of atomics is called with the gate closed.
  if (!explore::run_is_on()) {
    std::fprintf(stderr, "pollux: fail(%s) outside of a run: %s\n", property, message.c_str());
    std::abort();
  }
  shim::HarnessScope scope;
  explore::end_run(Verdict::violation, std::string(property) + ": " + message);
}

void note(uint64_t value) {
  if (!shim::in_run()) return;
  shim::HarnessScope scope;
  trace::recorder.mix(value);
  trace::recorder.step();
}

bool fault_happened(uint16_t point) {
  if (!shim::in_run()) return false;
  shim::HarnessScope scope;
  const Site wanted = static_cast<Site>(site::kFirstFault + point);
  for (const Deviation& deviation : explore::choices().deviations())
    if (deviation.site == wanted) return true;
  return false;
}

void trace_note(const char* text) {
  if (!shim::in_run()) return;
  shim::HarnessScope scope;
  if (trace::recorder.text) trace::line(trace::What::note, "%s", text);
}

}  // namespace pollux
