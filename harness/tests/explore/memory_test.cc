// SPDX-License-Identifier: MIT
//
// Races and memory order, decided: every litmus test has exactly the outcomes that it is known for,
// and each program the verdict that it deserves.
#include <gtest/gtest.h>

#include <set>

#include "explore/exhaustive.h"
#include "explore/race_report.h"
#include "explore/race_shadow.h"
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

// Of the earlier access only the place is known, until it is asked for by its number.
TEST(RaceReport, HasTheStackOfAnEarlierAccessThatWasAskedFor) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "accesses are not seen here";
  const PolluxMemoryProgram* program = pollux_race_programs();
  ASSERT_STREQ(program->name, "PlainCounter");
  auto details = [&](uint32_t number) {
    explore::keep_stack_of(number);
    auto strategy = strategy_for(0);
    Result result = run(*strategy, program->body, {.races = true});
    explore::keep_stack_of(0);
    EXPECT_EQ(result.verdict, Verdict::data_race) << result.reason;
    return explore::race_details();
  };
  auto frames = [](const std::string& text) {  // of the earlier access
    size_t count = 0;
    for (size_t at = text.find(" of the run:\n"); (at = text.find("\n  ", at)) != text.npos; ++at) {
      ++count;
    }
    return count;
  };
  const std::string alone(explore::kNoCallers);
  const std::string first = details(0);
  const uint32_t number = explore::earlier_access(first);
  ASSERT_NE(number, 0u) << first;
  EXPECT_TRUE(first.ends_with(alone + "\n")) << first;
  EXPECT_EQ(details(number + 1), first) << "that is another access";
  const std::string both = details(number);
  EXPECT_EQ(both.find(alone), both.npos) << both;
  EXPECT_TRUE(both.starts_with(first.substr(0, first.find(alone)))) << both << first;
  EXPECT_GE(frames(both), 3u) << both;  // the lambda, what std::thread calls it by
  EXPECT_EQ(details(0), first) << "none is left of the run before";
}

TEST(RaceReport, TheNumberOfAnAccessIsReadFromARaceOnly) {
  EXPECT_EQ(explore::earlier_access("a reads 4 bytes:\n  x+0x1\nb, access 1 wrote 4 bytes, "
                                    "access 230 of the run:\n  x+0x2\n"),
            230u);
  EXPECT_EQ(explore::earlier_access(""), 0u);
  EXPECT_EQ(explore::earlier_access("threads: main can run\n"), 0u);
  EXPECT_EQ(explore::earlier_access("x, access 9999999999999 of the run:\n"), 0u);
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
