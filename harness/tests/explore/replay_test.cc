// SPDX-License-Identifier: MIT
//
// A run is a function of its choices: the same seed, or the deviations that a run recorded, give
// the same hash; in this process, after runs that were abandoned, and in other processes at other
// addresses.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

// Hash over all programs with each seed below `count`.
uint64_t hash_of(uint64_t count) {
  uint64_t hash = 0;
  for (const PolluxTestProgram& program : repeatable_programs()) {
    for (uint64_t seed = 0; seed < count; ++seed) {
      auto strategy = strategy_for(seed);
      Result result = run(*strategy, program.body, {.plain_points = program.plain_points});
      hash = (hash ^ result.hash) * 0x9E3779B97F4A7C15ull;
    }
  }
  return hash;
}

// The programs' own statics (libstdc++'s key for set_value_at_thread_exit, say) are initialised by
// the first run and are state of the process from then on.
void initialise_statics() { hash_of(1); }

class ReplayTest : public testing::TestWithParam<PolluxTestProgram> {};

TEST_P(ReplayTest, DeviationsReproduceTheRun) {
  const Options options = {.plain_points = GetParam().plain_points};
  auto warm_up = strategy_for(0);
  run(*warm_up, GetParam().body, options);  // initialises the program's statics
  for (uint64_t seed = 0; seed < 300; ++seed) {
    auto strategy = strategy_for(seed);
    Result first = run(*strategy, GetParam().body, options);
    auto replay = make_replay_strategy(first.deviations);
    Result again = run(*replay, GetParam().body, options);
    ASSERT_EQ(again.hash, first.hash) << "seed " << seed;
    ASSERT_EQ(again.verdict, first.verdict);
    ASSERT_EQ(again.points, first.points);
    ASSERT_EQ(again.time, first.time);
    ASSERT_EQ(again.deviations, first.deviations);
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, ReplayTest, testing::ValuesIn(repeatable_programs()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(DeterminismTest, SameSeedSameHashAThousandTimes) {
  std::set<uint64_t> hashes;
  for (int i = 0; i < 1000; ++i) {
    auto strategy = make_random_strategy(7, {}, 1.0);
    hashes.insert(run(*strategy, pollux_park_protocol).hash);
  }
  EXPECT_EQ(hashes.size(), 1u);
}

TEST(DeterminismTest, SeedsDiffer) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto strategy = strategy_for(seed);
    hashes.insert(run(*strategy, pollux_park_protocol).hash);
  }
  EXPECT_GT(hashes.size(), kAtomicsArePoints ? 50u : 20u);
}

TEST(DeterminismTest, AbandonedThreadsLeaveNoTrace) {
  const char* deadlocks = kAtomicsArePoints ? "ParkWithoutRecheck" : "LockOrderWrong";
  const PolluxTestProgram* wrong = nullptr;
  for (auto* program = pollux_schedule_programs(); program->name != nullptr; ++program) {
    if (std::strcmp(program->name, deadlocks) == 0) wrong = program;
  }
  ASSERT_NE(wrong, nullptr);
  uint64_t failing = 0;
  Verdict verdict = Verdict::held;
  for (; failing < 1000 && verdict == Verdict::held; ++failing) {
    auto strategy = strategy_for(failing);
    verdict = run(*strategy, wrong->body).verdict;
  }
  ASSERT_EQ(verdict, Verdict::deadlock);
  --failing;

  initialise_statics();
  uint64_t clean = hash_of(3);
  for (int i = 0; i < 50; ++i) {
    auto strategy = strategy_for(failing);
    ASSERT_EQ(run(*strategy, wrong->body).verdict, Verdict::deadlock);
  }
  EXPECT_EQ(hash_of(3), clean);
}

// This test is its own helper: the other processes run it with POLLUX_EXPLORE_HASH set.
TEST(DeterminismTest, OtherProcessesAgree) {
  initialise_statics();
  if (std::getenv("POLLUX_EXPLORE_HASH") != nullptr) {
    std::printf("hash %016llx\n", static_cast<unsigned long long>(hash_of(20)));
    return;
  }
  char path[4096];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  ASSERT_GT(size, 0);
  path[size] = '\0';
  std::string command = "POLLUX_EXPLORE_HASH=1 '" + std::string(path) +
                        "' --gtest_filter=DeterminismTest.OtherProcessesAgree";
  std::set<std::string> outputs;
  for (int i = 0; i < 8; ++i) {
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    char line[256];
    while (std::fgets(line, sizeof line, pipe) != nullptr) {
      if (std::strncmp(line, "hash ", 5) == 0) outputs.insert(line);
    }
    ASSERT_EQ(pclose(pipe), 0);
  }
  ASSERT_EQ(outputs.size(), 1u);
  char mine[64];
  std::snprintf(mine, sizeof mine, "hash %016llx\n", static_cast<unsigned long long>(hash_of(20)));
  EXPECT_EQ(*outputs.begin(), mine);
}

}  // namespace
}  // namespace pollux::explore_test
