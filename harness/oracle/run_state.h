// SPDX-License-Identifier: MIT
//
// What World (a run inside a process) and process mode (a run that is the process) have in common:
// arming the parts of the harness for a run, and collecting what it left.
#pragma once

#include <string>

#include "explore/scheduler.h"
#include "pollux/world.h"

namespace pollux::oracle {

// Connects shim, twin, explorer and failure points with each other; once per process.
void connect_parts();

// Why a run with these options can not be made; empty: it can.
std::string why_not(const RunOptions&);

// Requires options.strategy. Resets the twin and the recorder, arms the faults, and reserves the
// window of descriptor numbers that the twin uses.
void arm_run(const RunOptions& options);
void disarm_run();
explore::SchedulerOptions scheduler_options(const RunOptions&);

// What the run that just ended did. `verdict` and `reason` come from the scheduler.
RunResult collect_result(Verdict verdict, std::string reason);

}  // namespace pollux::oracle
