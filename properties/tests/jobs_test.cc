// SPDX-License-Identifier: MIT
//
// Jobs and their text, the rules, and what the generator makes.
#include <gtest/gtest.h>

#include <map>

#include "generators/jobs_generator.h"
#include "models/jobs.h"

namespace pollux::properties {
namespace {

std::string error_of(std::string_view text) {
  auto result = parse_jobs(text);
  auto* error = std::get_if<std::string>(&result);
  return error == nullptr ? "" : *error;
}

TEST(JobsTest, TextComesBack) {
  for (const char* text :
       {"w1;j[]", "w2;m;j[b0,y];j[s10us,p0]", "w4;j[t3,h11000us];j[a3,d1us,r0];j[p0]"}) {
    ASSERT_EQ(error_of(text), "");
    EXPECT_EQ(to_text(std::get<Jobs>(parse_jobs(text))), text);
  }
}

TEST(JobsTest, SaysWhatIsWrong) {
  EXPECT_EQ(error_of("v1;j[]"), "jobs, character 1: expected 'w'");
  EXPECT_EQ(error_of("w1;j[q]"), "jobs, character 6: expected one of the steps p t a r b s d h y");
  EXPECT_EQ(error_of("w1;j[s10]"), "jobs, character 9: expected 'us'");
  EXPECT_EQ(error_of("w1;j[p01]"), "jobs, character 7: expected a decimal number");
  EXPECT_EQ(error_of("w1;j[y,]"), "jobs, character 8: expected one of the steps p t a r b s d h y");
  EXPECT_EQ(error_of("w1"), "0 jobs; must be 1 to 16");
  EXPECT_EQ(error_of("w5;j[]"), "w (workers) is 5; must be 1 to 4");
  EXPECT_EQ(error_of("w1;j[s0us]"), "0us; must be 1 to 1000000");
  EXPECT_EQ(error_of("w1;j[p32]"), "token 32; tokens are below 32");
}

TEST(JobsTest, RefusesJobsThatNeverEnd) {
  EXPECT_EQ(error_of("w1;j[a0]"), "token 0 is never posted");
  EXPECT_EQ(error_of("w1;j[p0];j[p0]"), "token 0 is posted twice");
  EXPECT_EQ(error_of("w1;j[p0];j[a0];j[a0]"), "token 0 is awaited twice");
  EXPECT_EQ(error_of("w1;j[t0]"), "token 0 is posted by a timer and never awaited");
  EXPECT_EQ(error_of("w1;j[a0,p1];j[a1,p0]"), "jobs wait for each other in a cycle");
  EXPECT_EQ(error_of("w1;j[b0];j[p0]"),
            "1 jobs with b (block) on 1 workers; one worker must stay free");
  EXPECT_EQ(error_of("w2;j[b0];j[p0,r1];j[p1]"),
            "jobs with b (block) and jobs with r (read) need m (monitor)");
  EXPECT_EQ(error_of("w2;m;j[b0];j[p0,r1];j[p1]"), "");
}

TEST(JobsTest, TheGeneratorKeepsTheRulesAndUsesEveryStep) {
  std::map<StepKind, int> seen;
  for (uint64_t seed = 0; seed < 5000; ++seed) {
    const Jobs jobs = jobs_of_seed(seed);
    ASSERT_EQ(error_of(to_text(jobs)), "") << to_text(jobs);
    for (const Job& job : jobs.jobs)
      for (const Step& step : job) ++seen[step.kind];
  }
  for (char letter : std::string("ptarbsdhy"))
    EXPECT_GT(seen[static_cast<StepKind>(letter)], 100) << letter;
}

TEST(JobsTest, SmallerJobsKeepTheRulesAndGetSmaller) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Jobs jobs = jobs_of_seed(seed);
    for (const Jobs& smaller : smaller_jobs(jobs)) {
      ASSERT_EQ(check_rules(smaller), "");
      ASSERT_NE(smaller, jobs);
    }
  }
  // Down to nothing.
  Jobs jobs = jobs_of_seed(1);
  for (int i = 0; i < 1000; ++i) {
    std::vector<Jobs> smaller = smaller_jobs(jobs);
    if (smaller.empty()) break;
    jobs = smaller.front();
  }
  EXPECT_EQ(to_text(jobs), "w1;j[]");
}

}  // namespace
}  // namespace pollux::properties
