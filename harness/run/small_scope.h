// SPDX-License-Identifier: MIT
//
// Small examples of a failure: few things to do, and one thread held up at one place.
//
// Most faults show in a small workload already (the small scope hypothesis: Jackson, "Software
// Abstractions", 2006), and most races need one thread to be late once (bug depth: Burckhardt et
// al., ASPLOS 2010). A small workload has a few thousand places where a thread may be late, and all
// of them are run in less time than it takes to reduce a long list of deviations.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "explore/random.h"
#include "pollux/choice.h"
#include "pollux/suite.h"

namespace pollux::run {

// Workloads on random ways down from a big one to the smallest.
class SmallWorkloads {
 public:
  // A workload not returned before and smaller than `from`, or "" when none was found.
  std::string next(const Suite&, const std::string& from);

 private:
  explore::Random random_{0x736D616C6C};  // a fixed sequence: a shrink takes the same way each time
  std::set<std::string> returned_;
};

// Every single hold of a run, in batches.
class SingleHolds {
 public:
  // `points` of the run without deviations.
  explicit SingleHolds(uint64_t points) : points_(points) {}

  // The next lists of one deviation each; empty when there are no more.
  std::vector<std::vector<Deviation>> next(size_t most);
  // The last hold of that batch did not happen: its thread has no such point.
  void last_was_skipped();

 private:
  // Neighbours do much the same, so all the threads are gone through coarsely at first.
  static constexpr uint32_t kStride = 8;
  void next_thread();

  uint64_t points_;
  uint32_t round_ = 0;    // of kStride
  uint32_t ordinal_ = 0;  // of the next hold
  Actor actor_ = 0;
  Actor actors_ = kNobody;  // that are known to have points
};

}  // namespace pollux::run
