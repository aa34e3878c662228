// SPDX-License-Identifier: MIT
//
// The stack of the earlier access of a data race, which only another run can show
// (explore/race_report.h).
#pragma once

#include <string>
#include <vector>

#include "run/story.h"
#include "run/worker.h"

namespace pollux::run {

// `result`, a run of `plan` that the runner can carry out again. Of a data race, with the stacks of
// both accesses in its details; where further runs did not come to the same race, its details say
// so. Anything else is returned as it is.
RunResult with_both_stacks(const Plan& plan, RunResult result, Runner&);

// `details` of a run with the program's functions behind each place, inlined ones first:
// "server+0x1f3 server.cc:7 in serve". `modules`: paths, that of the executable first.
std::string with_functions(const std::string& details, const std::vector<std::string>& modules);

// Both accesses of a race, the later one first: what it was, and below it the program's functions
// that led there, innermost first. Of lost memory, the same of the first two places where it was
// allocated. Empty for anything else.
std::vector<std::string> accesses_in_source(const RunResult&, Story&);

}  // namespace pollux::run
