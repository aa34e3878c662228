// SPDX-License-Identifier: MIT
//
// Process mode: the run is the process. The preloaded library of `pollux exec` starts it before
// main; the program's main thread becomes virtual thread 0 on its own stack.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pollux/world.h"

namespace pollux::oracle {

// Called exactly once, when a judge, a bound or an unmodelled call ends the run, or from
// end_process_run. Must end the process when it is called from within the run.
using ProcessRunEnd = void (*)(const RunResult&);

// From the main thread, before main. Returns inside the run. `populate` adds threads of other hosts
// to it; `boot` adds those of one that is on again after a rule of the network had it off. Both are
// called with the gate closed.
void begin_process_run(const RunOptions& options, std::unique_ptr<Strategy> strategy,
                       ProcessRunEnd at_end, const std::function<void()>& populate = nullptr,
                       std::function<void(unsigned host)> boot = nullptr);

// The program is done (main has returned, or it has called exit(3)), and its exit handlers are
// still to come: when memory that is lost is looked for, now. The caller's registers are on its
// stack.
void process_returns();

// The program is about to exit by itself with `status` (from exit(3)'s handlers or _exit). Closes
// the gate and calls at_end with held, or with violation when the status is not 0 or there is a
// complaint, or with what was lost when it was done. A forked process only tells its parent. Does
// nothing outside of a run.
void end_process_run(int status, const std::string& complaint = "");

}  // namespace pollux::oracle
