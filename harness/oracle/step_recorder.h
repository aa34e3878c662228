// SPDX-License-Identifier: MIT
//
// Keeps the steps of a run (pollux/step.h) for a report.
//
// It stands where the partial-order strategies stand, as the observer of accesses, and takes the
// lines of the text trace for what a call was and came to. It changes nothing: a run has the same
// hash with it and without.
#pragma once

#include "pollux/step.h"

namespace pollux::oracle {

// After the run has begun and before its first step. A run whose strategy observes accesses itself
// can not be recorded.
void start_step_log();
// After the run's end: the log. Empty when it was not started. The memory that the program used
// must still be there.
StepLog take_step_log();

}  // namespace pollux::oracle
