// SPDX-License-Identifier: MIT
//
// Classic programs, decided: the right ones hold on every run of a bound, the wrong ones do not.
#include <gtest/gtest.h>

#include "explore/exhaustive.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

constexpr unsigned kPreemptions = 3;

class LitmusTest : public testing::TestWithParam<PolluxTestProgram> {};

TEST_P(LitmusTest, EveryRunOfTheBound) {
  const PolluxTestProgram& program = GetParam();
  if (program.needs_points && !kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  // Who spins for ever is stopped by the bound on points.
  const Options options{.plain_points = program.plain_points, .points_max = 20'000};
  uint64_t runs = 0;
  Result result;
  unsigned preemptions = 0;
  for (; preemptions <= kPreemptions; ++preemptions) {
    explore::ExhaustiveSearch search({.preemptions = preemptions}, true);
    do {
      result = run(search.strategy(), program.body, options);
      ++runs;
    } while (result.verdict == Verdict::held && search.advance());
    EXPECT_EQ(search.diverged(), "");
    if (result.verdict != Verdict::held) break;
  }
  if (program.has_bug) {
    EXPECT_NE(result.verdict, Verdict::held) << runs << " runs";
  } else {
    EXPECT_EQ(result.verdict, Verdict::held)
        << result.reason << " with " << preemptions << " preemptions, run " << runs;
  }
  RecordProperty("runs", std::to_string(runs));
}

std::vector<PolluxTestProgram> programs() {
  std::vector<PolluxTestProgram> list;
  for (auto* table : {pollux_schedule_programs(), pollux_litmus_programs()}) {
    for (auto* program = table; program->name != nullptr; ++program) {
      // Waits without giving way: as many places for a preemption as there is patience.
      if (std::string(program->name) != "SpinWithoutYield") list.push_back(*program);
    }
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Classic, LitmusTest, testing::ValuesIn(programs()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pollux::explore_test
