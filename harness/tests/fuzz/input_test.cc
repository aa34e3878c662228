// SPDX-License-Identifier: MIT
//
// An input is a run that depends on its bytes and on nothing else, and that its deviations alone
// repeat.
#include "fuzz/input.h"

#include <gtest/gtest.h>

#include <random>

#include "cli/arguments.h"
#include "run/token.h"

namespace pollux::fuzz {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes random_bytes(std::mt19937& random, size_t size) {
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

RunResult run(const Target& target, const Bytes& bytes) {
  return run::execute(plan_of_input(target, bytes));
}

TEST(InputTest, NoBytesAreTheBoringRun) {
  const Target target = make_target("toy", "calm", "");
  EXPECT_EQ(plan_of_input(target, {}).workload, target.suite->workload(0));
  const RunResult result = run(target, {});
  EXPECT_EQ(result.verdict, Verdict::held);
  EXPECT_TRUE(result.deviations.empty());
}

TEST(InputTest, TheFirstTwoBytesAreTheWorkload) {
  const Target target = make_target("toy", "calm", "");
  EXPECT_EQ(plan_of_input(target, Bytes{7}).workload, target.suite->workload(7));
  EXPECT_EQ(plan_of_input(target, Bytes{7, 1}).workload, target.suite->workload(0x107));
  EXPECT_EQ(plan_of_input(target, Bytes{7, 1, 128}).workload, target.suite->workload(0x107));
}

TEST(InputTest, TheOthersAreChoices) {
  const Target target = make_target("toy-count", "calm", "");
  // Who begins is as usual; so are three points of t0; at the fourth t1 runs.
  const RunResult result = run(target, {1, 0, 0, 24, 128});
  EXPECT_EQ(result.deviations, (std::vector<Deviation>{{0, site::kPoint, 3, 2}}));
}

TEST(InputTest, ItIsTheRunOfItsCommand) {
  const Target target = make_target("toy-count", "legal", "races=1  points_max=5000");
  EXPECT_EQ(command_of(target, plan_of_input(target, Bytes{7, 1, 0xc0, 0x0f})),
            "pollux run toy-count --seed 263 --profile legal --strategy bytes:c00f"
            " --set points_max=5000 --set races=1");
}

TEST(InputTest, FaultsOfTheProfileAreArmed) {
  auto armed = [](const char* profile) {
    const Target target = make_target("toy", profile, "");
    return run::make_options(plan_of_input(target, {})).fault_points.size();
  };
  EXPECT_EQ(armed("calm"), 0u);
  EXPECT_GT(armed("legal"), 0u);
}

TEST(InputTest, TheDeviationsAloneRepeatTheRun) {
  const Target target = make_target("toy", "calm", "");
  std::mt19937 random(1);
  size_t deviating = 0;
  for (size_t i = 0; i < 200; ++i) {
    const Bytes bytes = random_bytes(random, 2 + i % 60);
    run::Plan plan = plan_of_input(target, bytes);
    const RunResult first = run::execute(plan), again = run::execute(plan);
    EXPECT_EQ(first.verdict, Verdict::held) << first.reason;
    EXPECT_EQ(again.hash, first.hash);
    EXPECT_EQ(again.deviations, first.deviations);
    plan.choices = first.deviations;
    EXPECT_EQ(run::execute(plan).hash, first.hash);
    deviating += !first.deviations.empty();
  }
  EXPECT_GT(deviating, 100u);
}

TEST(InputTest, NamesThatDoNotExistAreUsageErrors) {
  auto complaint = [](const char* suite, const char* profile, const char* settings) {
    try {
      make_target(suite, profile, settings);
    } catch (const cli::UsageError& error) {
      return error.message;
    }
    return std::string();
  };
  EXPECT_EQ(complaint("toy", "calm", "races=1"), "");
  EXPECT_NE(complaint("toi", "calm", "").find("'toy'"), std::string::npos);
  EXPECT_NE(complaint("toy", "cal", ""), "");
  EXPECT_NE(complaint("toy", "calm", "race=1").find("'races'"), std::string::npos);
}

}  // namespace
}  // namespace pollux::fuzz
