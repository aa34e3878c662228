// SPDX-License-Identifier: MIT
//
// A run that keeps its steps is the same run as without: a report about the one is true of the
// other.
#include <gtest/gtest.h>

#include "run_case.h"

namespace pollux::properties {
namespace {

constexpr uint64_t kSeeds = 40;

struct Case {
  const char* suite;
  const char* profile;
  bool weak_memory;
};

class StepLogTest : public testing::TestWithParam<Case> {};

TEST_P(StepLogTest, ChangesNothing) {
  const Suite& suite = *find_suite(GetParam().suite);
  const faults::Profile faults = load_profile(GetParam().profile);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const std::string workload = suite.workload(seed);
    auto run = [&](bool log_steps) {
      return run_case(suite, workload, seed, faults, [&](RunOptions& options) {
        options.races = options.weak_memory = GetParam().weak_memory;
        options.log_steps = log_steps;
      });
    };
    const RunResult plain = run(false), logged = run(true);
    ASSERT_EQ(plain.verdict, Verdict::held) << plain.reason;
    EXPECT_EQ(plain.hash, logged.hash);
    EXPECT_EQ(plain.points, logged.points);
    EXPECT_EQ(plain.virtual_ns, logged.virtual_ns);
    EXPECT_EQ(plain.deviations, logged.deviations);
    EXPECT_TRUE(plain.log.steps.empty());
    EXPECT_GE(logged.log.steps.size(), logged.points / 2);
    EXPECT_EQ(logged.log.made.size(), logged.deviations.size());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, StepLogTest,
    testing::Values(Case{"netpoll", "legal", false}, Case{"netpoll", "calm", true},
                    Case{"asio", "legal", false}, Case{"workers", "calm", false},
                    Case{"polldesc", "calm", false}, Case{"messages", "calm", true}),
    [](const auto& info) {
      return std::string(info.param.suite) + "_" + info.param.profile +
             (info.param.weak_memory ? "_weak" : "");
    });

}  // namespace
}  // namespace pollux::properties
