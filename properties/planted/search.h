// SPDX-License-Identifier: MIT
//
// Looking for a planted bug: how many runs, and how much processor time, until a strategy has it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "run/plan.h"

namespace pollux::properties {

struct SearchRequest {
  const Suite* suite = nullptr;
  // "explore", "weak" (explore in weak memory), "surw", or what run::parse_strategy takes. "surw"
  // counts the points of each thread in a run of the workload without deviations; that run counts
  // as one, and may find the bug.
  std::string strategy;
  std::string profile = "calm";
  // explore: at most so many preemptions, and one fault unless the profile has none. weak: the
  // fault is a stale read.
  unsigned preemptions = 2;
  run::Overrides overrides = {};
  // The others: the seeds first_seed, first_seed + 1, ...
  uint64_t first_seed = 0;
  uint64_t runs_max = 20'000;
  std::chrono::milliseconds budget{0};  // 0: none
};

struct SearchResult {
  std::optional<RunResult> failure;  // the first run that did not hold
  uint64_t runs = 0;                 // up to that one
  double seconds = 0;                // of processor time
  bool complete = false;             // explore: every run within the bound was made
};

// Runs happen in child processes. An unknown strategy or profile is the caller's bug.
SearchResult search(const SearchRequest&);

// It makes every run within its bound.
bool is_exhaustive(const std::string& strategy);

// Empty, or one line that says what is wrong with the name of a strategy.
std::string check_strategy(const std::string& name);

}  // namespace pollux::properties
