// SPDX-License-Identifier: MIT
//
// Exploring: one workload, every run within a bound.
//
// The bound is reached in levels: at most 0 preemptions and faults, then 1, and so on, so that the
// first failure found has as few of them as any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "run/child.h"
#include "run/plan.h"

namespace pollux::run {

struct ExploreRequest {
  const Suite* suite = nullptr;
  std::string workload;
  faults::Profile profile;  // the failure points that may say yes
  Overrides overrides;
  unsigned preemptions = 2;
  unsigned faults = 0;
  bool reduction = true;  // leave out what differs only in the order of independent steps
  std::chrono::milliseconds budget{0};  // 0: until all is explored
  ProcessBounds bounds;
};

struct ExploreLevel {
  unsigned preemptions = 0;
  unsigned faults = 0;
  uint64_t runs = 0;
  double seconds = 0;
  bool complete = false;
};

struct ExploreTotals {
  std::vector<ExploreLevel> levels;  // the last one may be under way
  uint64_t runs = 0, points = 0;
  double seconds = 0;
  bool complete = false;  // every run of the bound was made and held
  bool interrupted = false;

  // How many runs the whole bound has without the reduction; 0: not known.
  double bound_runs = 0;
  double bound_error = 0;  // standard error of an estimate; 0: exact

  // The first run that did not hold, and the plan that repeats it.
  std::optional<RunResult> failure;
  Plan plan;
  // Not empty: the runs can not be repeated. One line.
  std::string diverged;
};

class ExploreListener {
 public:
  virtual ~ExploreListener() = default;
  virtual void on_progress(const ExploreTotals&) = 0;  // about ten times a second
};

// Makes the runs in a child process. SIGINT and SIGTERM end it early.
ExploreTotals explore(const ExploreRequest&, ExploreListener&);

}  // namespace pollux::run
