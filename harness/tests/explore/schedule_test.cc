// SPDX-License-Identifier: MIT
//
// Does the explorer find what is wrong, and only that?
#include <gtest/gtest.h>

#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

class ScheduleTest : public testing::TestWithParam<PolluxTestProgram> {};

TEST_P(ScheduleTest, FailsOnlyWhenWrong) {
  const PolluxTestProgram& program = GetParam();
  if (program.needs_points && !kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  Sweep found = sweep(1000, program.body, {.plain_points = program.plain_points});
  if (program.has_bug) {
    EXPECT_NE(found.failures, 0u);
  } else {
    EXPECT_EQ(found.failures, 0u) << "seed " << found.first << ": "
                                  << to_string(found.result.verdict) << " " << found.result.reason;
  }
  RecordProperty("failures", static_cast<int>(found.failures));
}

std::vector<PolluxTestProgram> programs() {
  std::vector<PolluxTestProgram> list;
  for (auto* program = pollux_schedule_programs(); program->name != nullptr; ++program) {
    list.push_back(*program);
  }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Classic, ScheduleTest, testing::ValuesIn(programs()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace pollux::explore_test
