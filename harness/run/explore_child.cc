// SPDX-License-Identifier: MIT
//
// Before the first level: the run without deviations, three times. The first one initialises what
// the program keeps in static objects, which is no part of any other run; the next two must be the
// same, or nothing that follows would mean anything.
//
// After the last level, or when time is up: how many runs the bound has without the reduction. That
// is estimated from probes, and counted by making them when there are few. A probe is a run like
// any other, so it may fail, too.
#include "run/explore_child.h"

#include <algorithm>
#include <cstdio>

#include "explore/exhaustive.h"
#include "explore/tree_size.h"
#include "run/crash_note.h"
#include "run/result_code.h"

namespace pollux::run {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kProbeTime = std::chrono::milliseconds(1000);
constexpr uint64_t kProbesMax = 20'000;
constexpr uint64_t kCountedMost = 50'000;

class Explorer {
 public:
  Explorer(const ExploreRequest& request, ExploreShared& shared)
      : request_(request),
        shared_(shared),
        plan_{request.suite, request.workload, Drawn{0, make_mix(StrategySpec{}, request.profile)},
              request.overrides} {}

  void explore() {
    if (!repeats()) return;
    bool all = true;
    for (size_t n = 0; n < level_count(request_); ++n) {
      shared_.levels.store(static_cast<uint32_t>(n + 1));
      all = explore_level(n);
      if (!all) break;
    }
    if (failed_ || !diverged_.empty()) return;
    const ExploreShared::Level& last = shared_.level[level_count(request_) - 1];
    if (all && !request_.reduction) {
      shared_.bound_runs = static_cast<double>(last.runs.load());
    } else if (!estimate()) {
      return;
    }
    shared_.complete = all;
  }

 private:
  // False when the run did not hold.
  bool run(Strategy& strategy) {
    Tap tap(strategy, shared_.log);
    shared_.started.store(shared_.started.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
    last_ = execute(plan_, {}, &tap);
    shared_.points.store(shared_.points.load(std::memory_order_relaxed) + last_.points,
                         std::memory_order_relaxed);
    if (last_.verdict == Verdict::held) return true;
    failed_ = true;
    shared_.result_size = write_result(last_, shared_.result, ExploreShared::kResultMax);
    return false;
  }

  void diverged(const std::string& how) {
    diverged_ = how;
    std::snprintf(shared_.diverged, sizeof shared_.diverged, "%s", how.c_str());
  }

  bool repeats() {
    auto boring = make_replay_strategy({});
    if (!run(*boring) || !run(*boring)) return false;
    uint64_t hash = last_.hash;
    if (!run(*boring)) return false;
    if (last_.hash != hash) diverged("two runs without deviations have different hashes");
    return diverged_.empty();
  }

  bool explore_level(size_t n) {
    ExploreLevel bounds = level_of(request_, n);
    ExploreShared::Level& level = shared_.level[n];
    explore::ExhaustiveSearch search({bounds.preemptions, bounds.faults}, request_.reduction);
    Clock::time_point start = Clock::now();
    uint64_t runs = 0;
    do {
      if (shared_.stop.load(std::memory_order_relaxed)) return false;
      bool held = run(search.strategy());
      level.runs.store(++runs, std::memory_order_relaxed);
      if ((runs & 63) == 0) note_time(level, start);
      if (!held) return false;
    } while (search.advance());
    note_time(level, start);
    if (!search.diverged().empty()) {
      diverged(search.diverged());
      return false;
    }
    level.complete.store(true);
    return true;
  }

  static void note_time(ExploreShared::Level& level, Clock::time_point start) {
    level.nanoseconds.store(static_cast<uint64_t>((Clock::now() - start).count()),
                            std::memory_order_relaxed);
  }

  // False when a run did not hold.
  bool estimate() {
    explore::TreeProbe probe({request_.preemptions, request_.faults}, 1);
    explore::Estimate estimate;
    Clock::time_point end = Clock::now() + kProbeTime;
    while (estimate.probes() < kProbesMax && Clock::now() < end) {
      if (!run(probe)) return false;
      estimate.add(probe.leaves());
    }
    // Few subtrees may hold most of the leaves, and no probe may have met one. What was explored
    // was there.
    double made = static_cast<double>(shared_.level[shared_.levels.load() - 1].runs.load());
    shared_.bound_runs = std::max(estimate.mean(), made);
    shared_.bound_error = std::max(estimate.error(), 1e-3);
    return estimate.mean() > kCountedMost / 2 || count();
  }

  // Likewise.
  bool count() {
    explore::ExhaustiveSearch search({request_.preemptions, request_.faults});
    uint64_t runs = 0;
    do {
      if (shared_.stop.load(std::memory_order_relaxed)) return true;
      if (!run(search.strategy())) return false;
    } while (search.advance() && ++runs < kCountedMost);
    if (runs == kCountedMost) return true;
    shared_.bound_runs = static_cast<double>(runs + 1);
    shared_.bound_error = 0;
    return true;
  }

  const ExploreRequest& request_;
  ExploreShared& shared_;
  Plan plan_;
  RunResult last_;
  bool failed_ = false;
  std::string diverged_;
};

}  // namespace

size_t level_count(const ExploreRequest& request) {
  size_t count = size_t{std::max(request.preemptions, request.faults)} + 1;
  return std::min(count, ExploreShared::kLevelsMax);
}

ExploreLevel level_of(const ExploreRequest& request, size_t n) {
  bool last = n + 1 == level_count(request);
  auto up_to = [&](unsigned most) {
    return last ? most : std::min(most, static_cast<unsigned>(n));
  };
  return {.preemptions = up_to(request.preemptions), .faults = up_to(request.faults)};
}

void explore_here(const ExploreRequest& request, ExploreShared& shared) {
  note_crashes(shared.result, ExploreShared::kResultMax, &shared.note_size);
  Explorer(request, shared).explore();
}

}  // namespace pollux::run
