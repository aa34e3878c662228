// SPDX-License-Identifier: MIT
//
// The nearest passing run: the failing one without one of its deviations, and the first thing that
// a thread saw differently in it.
//
// Threads are compared each with itself, step by step. Up to the first difference both runs execute
// the same code with the same results, so what differs there is what the missing deviation changed.
#pragma once

#include <optional>
#include <string>

#include "run/story.h"
#include "run/worker.h"

namespace pollux::run {

struct PassingRun {
  Deviation without;  // or all of them when none alone is enough
  bool without_all = false;
  RunResult run;  // with its log
};

// `plan` has explicit deviations and fails. The last deviations are tried first.
std::optional<PassingRun> find_passing_run(const Plan& plan, Runner&);

// "main at poll_desc.cc:204 finds rg of poll_desc 1 (fd 68): NIL -> WAIT, here READY -> WAIT";
// empty when no thread saw a difference.
std::string first_difference(Story& failing, Story& passing);

}  // namespace pollux::run
