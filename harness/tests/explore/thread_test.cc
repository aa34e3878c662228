// SPDX-License-Identifier: MIT
//
// Programs that are right under every schedule: nothing the explorer does to them may show.
#include <gtest/gtest.h>

#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

class ThreadTest : public testing::TestWithParam<PolluxTestProgram> {};

TEST_P(ThreadTest, HoldsUnderEverySchedule) {
  if (GetParam().needs_points && !kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  for (bool plain_points : {false, true}) {
    Sweep found = sweep(150, GetParam().body, {.plain_points = plain_points});
    EXPECT_EQ(found.failures, 0u) << "seed " << found.first << ": "
                                  << to_string(found.result.verdict) << " " << found.result.reason;
  }
}

std::vector<PolluxTestProgram> list(const PolluxTestProgram* program) {
  std::vector<PolluxTestProgram> result;
  for (; program->name != nullptr; ++program) result.push_back(*program);
  return result;
}

std::string name(const testing::TestParamInfo<PolluxTestProgram>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Identity, ThreadTest, testing::ValuesIn(list(pollux_identity_programs())),
                         name);
INSTANTIATE_TEST_SUITE_P(Objects, ThreadTest, testing::ValuesIn(list(pollux_object_programs())),
                         name);

}  // namespace
}  // namespace pollux::explore_test
