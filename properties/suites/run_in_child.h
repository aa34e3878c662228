// SPDX-License-Identifier: MIT
//
// Runs in child processes: a crash is an outcome, and a run that did not end by itself leaves
// nothing behind for the next.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pollux/verdict.h"

namespace pollux::properties {

struct ChildRun {
  Verdict verdict = Verdict::held;
  uint64_t faults = 0;
  std::string reason;  // for a crash: the last line that the child wrote to stderr, or the signal
  std::vector<std::string> errors;
};

// Calls `run` for `count` seeds from `first` on, in a child; after a run that did not hold, or that
// ended the child, in a new one from the next seed on. One result for each seed, in order.
std::vector<ChildRun> run_in_children(uint64_t first, unsigned count,
                                      const std::function<ChildRun(uint64_t seed)>& run);

}  // namespace pollux::properties
