// SPDX-License-Identifier: MIT
//
// The protocols hold on every run within a bound (that their planted bugs do not: planted_test.cc).
#include <gtest/gtest.h>

#include "pollux/faults/profile.h"
#include "run/explore.h"

namespace pollux::properties {
namespace {

class Nobody final : public run::ExploreListener {
  void on_progress(const run::ExploreTotals&) override {}
};

run::ExploreTotals explore(const char* suite, unsigned preemptions, unsigned faults = 0,
                           bool weak_memory = false) {
  run::ExploreRequest request;
  request.suite = find_suite(suite);
  request.workload = request.suite->workload(0);
  request.preemptions = preemptions;
  request.faults = faults;
  if (weak_memory) request.overrides["weak_memory"] = 1;
  const bool calm = faults == 0 || weak_memory;  // a stale read counts as a fault
  request.profile = std::get<faults::Profile>(faults::load_profile(calm ? "calm" : "legal"));
  Nobody nobody;
  return run::explore(request, nobody);
}

struct Bound {
  const char* suite;
  unsigned preemptions, faults;
};

class ProtocolHolds : public testing::TestWithParam<Bound> {};

TEST_P(ProtocolHolds, OnEveryRunOfABound) {
  const Bound& bound = GetParam();
  run::ExploreTotals totals = explore(bound.suite, bound.preemptions, bound.faults);
  EXPECT_TRUE(totals.complete) << totals.diverged << (totals.failure ? totals.failure->reason : "");
  RecordProperty("runs", static_cast<int>(totals.runs));
}

INSTANTIATE_TEST_SUITE_P(All, ProtocolHolds,
                         testing::Values(Bound{"polldesc", 2, 0}, Bound{"polldesc", 1, 1},
                                         Bound{"fdmutex", 3, 0}, Bound{"break", 3, 0},
                                         Bound{"break", 2, 1}),
                         [](const auto& info) {
                           return std::string(info.param.suite) + "_" +
                                  std::to_string(info.param.preemptions) + "_" +
                                  std::to_string(info.param.faults);
                         });

// Neither a race nor a stale read that breaks it.
class ProtocolHoldsInWeakMemory : public testing::TestWithParam<Bound> {};

TEST_P(ProtocolHoldsInWeakMemory, OnEveryRunOfABound) {
  const Bound& bound = GetParam();
  run::ExploreTotals totals = explore(bound.suite, bound.preemptions, bound.faults, true);
  EXPECT_TRUE(totals.complete) << totals.diverged << (totals.failure ? totals.failure->reason : "");
  RecordProperty("runs", static_cast<int>(totals.runs));
}

INSTANTIATE_TEST_SUITE_P(All, ProtocolHoldsInWeakMemory,
                         testing::Values(Bound{"polldesc", 1, 1}, Bound{"messages", 2, 1},
                                         Bound{"fdmutex", 2, 1}, Bound{"break", 2, 1}),
                         [](const auto& info) { return std::string(info.param.suite); });

TEST(ProtocolTest, APlanRepeatsTheFirstFailure) {
#ifndef POLLUX_ATOMIC_POINTS
  GTEST_SKIP() << "atomics are no points here";
#endif
  run::ExploreTotals totals = explore("polldesc-no-recheck", 2);
  ASSERT_TRUE(totals.failure) << totals.diverged;
  auto* deviations = std::get_if<std::vector<Deviation>>(&totals.plan.choices);
  ASSERT_NE(deviations, nullptr);
  EXPECT_FALSE(deviations->empty());
  EXPECT_EQ(*deviations, totals.failure->deviations);
}

}  // namespace
}  // namespace pollux::properties
