// SPDX-License-Identifier: MIT
//
// Runs for the explorer's own tests: the explorer with a kernel that knows futexes, time,
// sched_yield and handlers of signals, and nothing else. What the tests find is thus the explorer's
// doing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "explore/scheduler.h"
#include "pollux/choice.h"
#include "tests/explore/programs.h"

namespace pollux::explore_test {

// False in builds with a sanitizer, where the programs are instrumented for that instead.
#ifdef POLLUX_TEST_WITHOUT_POINTS
inline constexpr bool kAtomicsArePoints = false;
#else
inline constexpr bool kAtomicsArePoints = true;
#endif

struct Result {
  Verdict verdict;
  std::string reason;
  uint64_t hash;
  uint64_t points;
  uint64_t switches;
  explore::Time time;
  std::vector<Deviation> deviations;
};

struct Options {
  bool plain_points = false;
  uint64_t points_max = 1'000'000;
  explore::Time time_max = explore::Time{3600} * 24 * 1'000'000'000;
  bool races = false;
  bool weak_memory = false;
  bool real_threads = false;
};

Result run(Strategy&, std::function<void()> body, const Options& = {});
Result run(Strategy&, std::vector<std::function<void()>> bodies, const Options& = {});

// The strategies that a sweep alternates.
std::unique_ptr<Strategy> strategy_for(uint64_t seed);

// The programs whose runs are a function of their choices and nothing else.
std::vector<PolluxTestProgram> repeatable_programs();

// How many of the seeds [0, count) do not end held, and the first that does not.
struct Sweep {
  unsigned failures = 0;
  uint64_t first = 0;
  Result result = {};
};
Sweep sweep(uint64_t count, const std::function<void()>& body, const Options& = {});

}  // namespace pollux::explore_test
