// SPDX-License-Identifier: MIT
//
// What an input of a fuzzer is: a run that depends on its bytes and on nothing else, and that its
// deviations alone repeat.
#include <gtest/gtest.h>

#include <random>

#include "fuzz/fuzz.h"

namespace pollux::fuzz {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes random_bytes(std::mt19937& random, size_t size) {
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(FuzzTest, NoBytesAreTheBoringRun) {
  const Target target = find_target("toy", "calm");
  const InputRun run = run_input(target, {});
  EXPECT_EQ(run.result.verdict, Verdict::held);
  EXPECT_TRUE(run.result.deviations.empty());
  EXPECT_EQ(run.plan.workload, target.suite->workload(0));
}

TEST(FuzzTest, TheFirstTwoBytesAreTheWorkload) {
  const Target target = find_target("toy", "calm");
  const Bytes bytes{7, 1};
  EXPECT_EQ(run_input(target, bytes).plan.workload, target.suite->workload(0x107));
}

TEST(FuzzTest, FixedBytesAreAFixedRun) {
  const Target target = find_target("toy", "calm");
  // Workload 5; then: the second thread instead of going on, thrice.
  const Bytes bytes{5, 0, 192, 0, 192, 0, 192, 0};
  const InputRun run = run_input(target, bytes);
  EXPECT_EQ(run.result.verdict, Verdict::held);
  EXPECT_FALSE(run.result.deviations.empty());
  EXPECT_LE(run.result.deviations.size(), 3u);
  // Bytes that are not reached change nothing.
  Bytes longer = bytes;
  longer.resize(longer.size() + 1000, 191);
  EXPECT_EQ(run_input(target, longer).result.deviations, run.result.deviations);
}

TEST(FuzzTest, TheDeviationsAloneRepeatTheRun) {
  const Target target = find_target("toy", "calm");
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const Bytes bytes = random_bytes(random, 2 + i % 60);
    const InputRun first = run_input(target, bytes), again = run_input(target, bytes);
    EXPECT_EQ(first.result.verdict, Verdict::held) << first.result.reason;
    EXPECT_EQ(first.result.hash, again.result.hash);
    EXPECT_EQ(first.result.deviations, again.result.deviations);
    EXPECT_EQ(run::execute(first.plan).hash, first.result.hash);
  }
}

// The first of the inputs of this seed that does not hold.
Bytes failing_input(const Target& target) {
  std::mt19937 random(2);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = random_bytes(random, 2 + i % 60);
    if (run_input(target, bytes).result.verdict != Verdict::held) return bytes;
  }
  return {};
}

TEST(FuzzTest, RandomBytesFindThePlantedBug) {
  const Target target = find_target("toy-count", "calm");
  const Bytes bytes = failing_input(target);
  ASSERT_FALSE(bytes.empty());
  const InputRun run = run_input(target, bytes);
  EXPECT_EQ(run.result.verdict, Verdict::violation);
  const RunResult again = run::execute(run.plan);
  EXPECT_EQ(again.hash, run.result.hash);
  EXPECT_EQ(again.reason, run.result.reason);
}

TEST(FuzzDeathTest, AFailureIsReportedAndAborts) {
  const Target target = find_target("toy-count", "calm");
  const Bytes bytes = failing_input(target);
  EXPECT_EXIT(test_one_input(target, bytes), testing::KilledBySignal(SIGABRT),
              "pollux replay pollux1[.]toy-count[.]");
}

TEST(FuzzDeathTest, UnknownNamesAreUsageErrors) {
  EXPECT_EXIT(find_target("no-such-suite", "calm"), testing::ExitedWithCode(exit_code::kUsage),
              "unknown suite");
  EXPECT_EXIT(find_target("toy", "no-such-profile"), testing::ExitedWithCode(exit_code::kUsage),
              "no-such-profile");
}

}  // namespace
}  // namespace pollux::fuzz
