// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>

#include "explore/clock.h"
#include "explore/random.h"
#include "explore/timeline.h"

namespace pollux::explore {
namespace {

struct Seen {
  Time when;
  uint64_t number;
};

struct Log {
  Timeline timeline;
  std::vector<Seen> seen;

  static void note(void* object, uint64_t number, uint64_t) {
    Log* log = static_cast<Log*>(object);
    log->seen.push_back({log->timeline.now(), number});
  }
};

TEST(TimelineTest, RunsInOrderOfTimeThenOfArrival) {
  Log log;
  Random random(1);
  std::vector<std::pair<Time, uint64_t>> expected;
  for (uint64_t i = 0; i < 2000; ++i) {
    Time when = random.below(300);
    expected.push_back({when, i});
    log.timeline.add(when, Log::note, &log, i);
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& x, const auto& y) { return x.first < y.first; });
  while (log.timeline.run_next()) {
  }
  ASSERT_EQ(log.seen.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(log.seen[i].number, expected[i].second);
    EXPECT_EQ(log.seen[i].when, expected[i].first);
  }
  EXPECT_EQ(log.timeline.next(), kNever);
}

TEST(TimelineTest, SpendingRunsWhatBecameDueAndNothingElse) {
  Log log;
  log.timeline.add(10, Log::note, &log, 1);
  log.timeline.add(11, Log::note, &log, 2);
  log.timeline.spend(9);
  EXPECT_TRUE(log.seen.empty());
  log.timeline.spend(1);
  ASSERT_EQ(log.seen.size(), 1u);
  EXPECT_EQ(log.seen[0].number, 1u);
  EXPECT_EQ(log.timeline.next(), 11);
}

TEST(TimelineTest, ActionsMayAdd) {
  struct Chain {
    Timeline timeline;
    int left = 5;
    static void next(void* object, uint64_t, uint64_t) {
      Chain* chain = static_cast<Chain*>(object);
      if (--chain->left != 0) chain->timeline.add(chain->timeline.now(), next, chain);
    }
  } chain;
  chain.timeline.add(3, Chain::next, &chain);
  chain.timeline.spend(3);
  EXPECT_EQ(chain.left, 0);
}

TEST(TimelineTest, TimeNeverGoesBack) {
  Log log;
  log.timeline.spend(100);
  log.timeline.add(50, Log::note, &log, 1);
  EXPECT_TRUE(log.timeline.run_next());
  EXPECT_EQ(log.timeline.now(), 100);
  EXPECT_FALSE(log.timeline.run_next());
}

TEST(ClockTest, BasesAndMoments) {
  EXPECT_EQ(clock_base(CLOCK_REALTIME), 1'700'000'000 * kSecond);
  EXPECT_EQ(clock_base(CLOCK_BOOTTIME), kMonotonicBase);
  EXPECT_EQ(moment_of(CLOCK_MONOTONIC, {1001, 5}), kSecond + 5);
  EXPECT_EQ(moment_of(CLOCK_REALTIME, {INT64_MAX, 0}), kNever);
  EXPECT_LT(moment_of(CLOCK_REALTIME, {0, 0}), 0);
  EXPECT_FALSE(is_valid({0, kSecond}));
  EXPECT_EQ(saturating_add(5, kNever), kNever);
}

}  // namespace
}  // namespace pollux::explore
