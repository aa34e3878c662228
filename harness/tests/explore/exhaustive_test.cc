// SPDX-License-Identifier: MIT
//
// The exhaustive search makes every run of its bound, each once.
#include "explore/exhaustive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "explore/tree_size.h"
#include "pollux/choice.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

using explore::Bounds;
using explore::ExhaustiveSearch;

constexpr unsigned kUnbounded = 1000;

using Bodies = std::vector<std::function<void()>>;

struct Explored {
  uint64_t runs = 0;
  uint64_t failures = 0;
  std::set<std::vector<Deviation>> ways;
  std::string diverged;
};

Explored explore_all(Bounds bounds, const Bodies& bodies) {
  Explored explored;
  ExhaustiveSearch search(bounds);
  do {
    Result result = run(search.strategy(), bodies);
    ++explored.runs;
    explored.failures += result.verdict != Verdict::held;
    explored.ways.insert(result.deviations);
  } while (search.advance());
  explored.diverged = search.diverged();
  return explored;
}

uint64_t binomial(uint64_t n, uint64_t k) {
  uint64_t value = 1;
  for (uint64_t i = 1; i <= k; ++i) value = value * (n - k + i) / i;
  return value;
}

// A thread has a point when it begins and one when it ends, so it takes two steps more than it has
// points of its own, and one to be gone.
TEST(Exhaustive, TwoThreadsInterleaveInEveryWay) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  for (long points = 0; points < 4; ++points) {
    auto body = [points] { pollux_load_loop(points); };
    Explored explored = explore_all({.preemptions = kUnbounded}, {body, body});
    auto steps = static_cast<uint64_t>(points + 3);
    // The last step of the thread that ends last comes after everything.
    EXPECT_EQ(explored.runs, binomial(2 * steps, steps)) << points;
    EXPECT_EQ(explored.ways.size(), explored.runs);
    EXPECT_EQ(explored.diverged, "");
  }
}

TEST(Exhaustive, WithoutPreemptionsOnlyTheOrderOfThreadsIsOpen) {
  auto body = [] { pollux_load_loop(5); };
  EXPECT_EQ(explore_all({}, {body, body, body}).runs, 6u);
}

TEST(Exhaustive, ABoundOfOnePreemptsOnceAnywhere) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  auto body = [] { pollux_load_loop(5); };
  // Two orders; in each the first thread is preempted at one of its 7 points or not at all. Back at
  // it, the other one is done.
  Explored explored = explore_all({.preemptions = 1}, {body, body});
  EXPECT_EQ(explored.runs, 2u * (1 + 7));
  for (const auto& way : explored.ways) EXPECT_LE(way.size(), 2u);
}

TEST(Exhaustive, FindsWhatOneSwitchBreaksAndHoldsWithoutIt) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  for (auto* program = pollux_schedule_programs(); program->name != nullptr; ++program) {
    if (std::string(program->name) != "VolatileLostUpdate") continue;
    EXPECT_EQ(explore_all({.preemptions = 0}, {program->body}).failures, 0u);
    EXPECT_NE(explore_all({.preemptions = 1}, {program->body}).failures, 0u);
  }
}

TEST(Exhaustive, SaysWhenTheProgramIsNotDeterministic) {
  static int runs;
  runs = 0;
  auto drifting = [] { pollux_load_loop(++runs % 3); };
  Explored explored = explore_all({.preemptions = 1}, {drifting, drifting});
  EXPECT_EQ(explored.diverged.empty(), !kAtomicsArePoints);
}

TEST(Exhaustive, ProbesEstimateTheNumberOfRuns) {
  auto body = [] { pollux_load_loop(6); };
  const Bodies bodies{body, body, body};
  for (unsigned preemptions = 0; preemptions <= 2; ++preemptions) {
    const Bounds bounds{.preemptions = preemptions};
    auto exact = static_cast<double>(explore_all(bounds, bodies).runs);
    explore::TreeProbe probe(bounds, 17);
    explore::Estimate estimate;
    for (int i = 0; i < 3000; ++i) {
      run(probe, bodies);
      estimate.add(probe.leaves());
    }
    EXPECT_LE(std::abs(estimate.mean() - exact), 5 * estimate.error() + 1e-6)
        << estimate.mean() << " instead of " << exact << " at " << preemptions;
    EXPECT_LE(estimate.error(), exact / 10);
  }
}

}  // namespace
}  // namespace pollux::explore_test
