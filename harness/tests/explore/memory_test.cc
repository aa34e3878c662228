// SPDX-License-Identifier: MIT
//
// Races and memory order, decided: every litmus test has exactly the outcomes that it is known for,
// and each program the verdict that it deserves.
#include <gtest/gtest.h>

#include <set>

#include "explore/exhaustive.h"
#include "tests/explore/programs_memory.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

std::string joined(const std::set<std::string>& outcomes) {
  std::string text;
  for (const std::string& outcome : outcomes) text += (text.empty() ? "" : " ") + outcome;
  return text;
}

std::vector<std::function<void()>> threads_of(const PolluxLitmus& litmus) {
  std::vector<std::function<void()>> threads;
  for (auto* thread : litmus.threads) {
    if (thread != nullptr) threads.emplace_back(thread);
  }
  return threads;
}

class Litmus : public testing::TestWithParam<PolluxLitmus> {};

// Without a bound, so that nothing is missed; with the reduction, which must not lose an outcome.
TEST_P(Litmus, HasItsOutcomes) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  const Options options{.weak_memory = true};
  const auto threads = threads_of(GetParam());
  std::set<std::string> outcomes;
  uint64_t runs = 0;
  explore::ExhaustiveSearch search({.preemptions = 1000, .faults = 1000}, true);
  do {
    pollux_memory_reset();
    Result result = run(search.strategy(), threads, options);
    ASSERT_EQ(result.verdict, Verdict::held) << result.reason;
    outcomes.insert(pollux_memory_outcome());
    ++runs;
  } while (search.advance());
  EXPECT_EQ(search.diverged(), "");
  EXPECT_EQ(joined(outcomes), GetParam().outcomes) << runs << " runs";
  RecordProperty("runs", std::to_string(runs));
}

// What was drawn is found again by its deviations alone.
TEST_P(Litmus, ReplaysWhatItRead) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  const Options options{.weak_memory = true};
  const auto threads = threads_of(GetParam());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    pollux_memory_reset();
    auto drawn = strategy_for(seed);
    Result first = run(*drawn, threads, options);
    std::string outcome = pollux_memory_outcome();
    pollux_memory_reset();
    auto replay = make_replay_strategy(first.deviations);
    Result second = run(*replay, threads, options);
    ASSERT_EQ(first.hash, second.hash) << seed;
    ASSERT_EQ(outcome, pollux_memory_outcome()) << seed;
  }
}

std::vector<PolluxLitmus> litmus_tests() {
  std::vector<PolluxLitmus> list;
  for (auto* litmus = pollux_memory_litmus(); litmus->name != nullptr; ++litmus) {
    list.push_back(*litmus);
  }
  return list;
}
INSTANTIATE_TEST_SUITE_P(Memory, Litmus, testing::ValuesIn(litmus_tests()),
                         [](const auto& info) { return std::string(info.param.name); });

// --- Programs.

void expect_verdict(const PolluxMemoryProgram& program, const Options& options) {
  Sweep drawn = sweep(500, program.body, options);
  std::string verdict(to_string(drawn.failures == 0 ? Verdict::held : drawn.result.verdict));
  for (unsigned bound = 0; bound <= 2 && verdict == "held"; ++bound) {
    explore::ExhaustiveSearch search({.preemptions = bound, .faults = bound / 2}, true);
    do {
      Result result = run(search.strategy(), program.body, options);
      verdict = to_string(result.verdict);
      drawn.result = result;
    } while (verdict == "held" && search.advance());
    EXPECT_EQ(search.diverged(), "");
  }
  EXPECT_EQ(verdict, program.verdict) << drawn.result.reason;
}

class Races : public testing::TestWithParam<PolluxMemoryProgram> {};

TEST_P(Races, AreFoundOrAreNone) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "accesses are not seen here";
  expect_verdict(GetParam(), {.points_max = 20'000, .races = true});
}

class WeakMemory : public testing::TestWithParam<PolluxMemoryProgram> {};

TEST_P(WeakMemory, ShowsWhatIsWrongOnly) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  expect_verdict(GetParam(), {.points_max = 20'000, .weak_memory = true});
}

// With everything in order of execution, none of these shows.
TEST_P(WeakMemory, WithoutItAllHold) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  PolluxMemoryProgram program = GetParam();
  program.verdict = "held";
  expect_verdict(program, {.points_max = 20'000, .races = true});
}

std::vector<PolluxMemoryProgram> listed(const PolluxMemoryProgram* program) {
  std::vector<PolluxMemoryProgram> list;
  for (; program->name != nullptr; ++program) list.push_back(*program);
  return list;
}
auto name_of = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Memory, Races, testing::ValuesIn(listed(pollux_race_programs())), name_of);
INSTANTIATE_TEST_SUITE_P(Memory, WeakMemory, testing::ValuesIn(listed(pollux_weak_programs())),
                         name_of);

}  // namespace
}  // namespace pollux::explore_test
