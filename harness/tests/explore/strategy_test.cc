// SPDX-License-Identifier: MIT
//
// What each way to draw schedules promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "pollux/bytes_strategy.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

using Points = std::vector<uint32_t>;  // by thread

// The points of each thread in the run without deviations.
class Counting final : public Strategy {
 public:
  Points points;

 private:
  void begin(std::span<uint32_t, kSitesMax>) override { points.clear(); }
  Answer choose(Actor, Site, uint32_t, uint32_t) override { return {0, kNeverAsk}; }
  ThreadAnswer choose_thread(Actor actor, Site site, uint32_t ordinal, uint64_t,
                             Actor boring) override {
    if (points.size() <= actor) points.resize(actor + 1u);
    if (site == site::kPoint) points[actor] = ordinal + 1;
    return {boring, 0};
  }
};

struct Way {
  const char* name;
  std::unique_ptr<Strategy> (*make)(uint64_t seed, const Points& points);
};

constexpr Way kWays[] = {
    {"Pos", [](uint64_t seed, const Points&) { return make_pos_strategy(seed, {}, 1.0); }},
    {"Active", [](uint64_t seed, const Points&) { return make_active_strategy(seed, {}, 1.0); }},
    {"Surw",
     [](uint64_t seed, const Points& points) { return make_surw_strategy(seed, points, {}, 1.0); }},
    {"Walk", [](uint64_t seed, const Points&) { return make_walk_strategy(seed, {}, 1.0); }},
    {"RoundRobin",
     [](uint64_t seed, const Points&) { return make_round_robin_strategy(seed, {}, 1.0); }},
    {"Bytes",
     [](uint64_t seed, const Points&) {
       std::mt19937_64 random(seed);
       std::vector<uint8_t> bytes(64);
       // The programs are short, and so are the gaps.
       for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random()) & 0b1001'1111;
       return make_bytes_strategy(std::move(bytes));
     }},
};

class StrategyTest : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  }
};

TEST_P(StrategyTest, FindsWhatIsWrongAndOnlyThat) {
  for (auto* program = pollux_schedule_programs(); program->name != nullptr; ++program) {
    const Options options{.plain_points = program->plain_points};
    Counting counting;
    run(counting, program->body, options);
    unsigned failures = 0;
    for (uint64_t seed = 0; seed < 1000; ++seed) {
      auto strategy = GetParam().make(seed, counting.points);
      failures += run(*strategy, program->body, options).verdict != Verdict::held;
    }
    EXPECT_EQ(failures != 0, program->has_bug) << program->name << ": " << failures;
  }
}

TEST_P(StrategyTest, ARunIsAFunctionOfTheSeedAndItsDeviationsRepeatIt) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto once = GetParam().make(seed, {7, 20, 20}), again = GetParam().make(seed, {7, 20, 20});
    Result first = run(*once, pollux_park_protocol), second = run(*again, pollux_park_protocol);
    EXPECT_EQ(first.hash, second.hash);
    auto replay = make_replay_strategy(first.deviations);
    EXPECT_EQ(run(*replay, pollux_park_protocol).hash, first.hash);
  }
}

INSTANTIATE_TEST_SUITE_P(All, StrategyTest, testing::ValuesIn(kWays),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Active, ThreadsStandAtExactPlacesAtOnce) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  auto failures = [](auto make) {
    int count = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed)
      count +=
          run(*make(seed, std::vector<double>{}, 1.0), pollux_two_inside).verdict != Verdict::held;
    return count;
  };
  const int active = failures(make_active_strategy);
  EXPECT_GT(active, 10);
  EXPECT_LT(failures(make_random_strategy), 3);
  EXPECT_LT(failures(make_pos_strategy), 3);
}

// How often each interleaving of two threads came in `runs` runs.
std::vector<int> frequencies(const std::function<std::unique_ptr<Strategy>(uint64_t)>& make,
                             std::vector<std::function<void()>> bodies, int runs) {
  std::map<std::vector<Deviation>, int> count;
  for (int seed = 0; seed < runs; ++seed) {
    auto strategy = make(static_cast<uint64_t>(seed));
    ++count[run(*strategy, bodies).deviations];
  }
  std::vector<int> all;
  for (const auto& [way, times] : count) all.push_back(times);
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Surw, AllInterleavingsAreEquallyLikely) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  auto shorter = [] {};
  auto longer = [] { pollux_load_loop(3); };
  // A point at the beginning, one at the end: three pieces and six, 84 ways.
  auto make = [](uint64_t seed) { return make_surw_strategy(seed, {2, 5}, {}, 1.0); };
  std::vector<int> counts = frequencies(make, {shorter, longer}, 84 * 100);
  ASSERT_EQ(counts.size(), 84u);
  EXPECT_GT(counts.front(), 50);  // five standard deviations from 100
  EXPECT_LT(counts.back(), 150);
  auto walk = [](uint64_t seed) { return make_walk_strategy(seed, {}, 1.0); };
  std::vector<int> uneven = frequencies(walk, {shorter, longer}, 84 * 100);
  EXPECT_GT(uneven.back(), 300);
}

}  // namespace
}  // namespace pollux::explore_test
