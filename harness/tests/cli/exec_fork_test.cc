// SPDX-License-Identifier: MIT
//
// `pollux exec` of programs that fork. What the processes see of each other is compared with Linux
// in tests/programs/forks.cc; here is what the run makes of them.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecForkTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }
  Ended exec(const std::string& how, std::vector<std::string> flags = {"--seed", "7"}) {
    flags.insert(flags.begin(), "exec");
    flags.insert(flags.end(), {"--", EXEC_FORKER, how});
    return pollux(flags);
  }
  // Is there a process that does what `how` says?
  static bool is_there(const std::string& how) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      std::string program, argument;
      std::getline(file, program, '\0');
      std::getline(file, argument, '\0');
      if (program == EXEC_FORKER && argument == how) return true;
    }
    return false;
  }
  static bool says(const Ended& ended, const std::string& text) {
    return ended.out.find(text) != std::string::npos;
  }
};

TEST_F(ExecForkTest, AFailureInAChildReplaysAndShrinksToItsOwnDeviations) {
  Ended swept = exec("race", {"--seeds", "0..200", "--audit", "--strategy", "walk"});
  ASSERT_EQ(swept.code, 1) << swept.out << swept.err;
  const std::string token = token_of(swept);
  Ended replayed = pollux({"replay", token, "--times", "5"});
  EXPECT_TRUE(says(replayed, "5 of 5 runs: verdict violation")) << replayed.out << replayed.err;
  Ended shrunk = pollux({"shrink", token});
  EXPECT_EQ(shrunk.code, 1);
  // A child's choices are counted from where no choice of its parent is.
  std::smatch match;
  ASSERT_TRUE(std::regex_search(shrunk.out, match, std::regex("#([0-9]{7,}) = "))) << shrunk.out;
  EXPECT_EQ(std::stoul(match[1]) >> 20, 1u);
}

TEST_F(ExecForkTest, ADeadlockIsOneOfAllProcesses) {
  Ended ended = exec("deadlock");
  EXPECT_TRUE(says(ended, "deadlock in exec")) << ended.out;
  EXPECT_TRUE(says(ended, "main waits for a child; process 4000128: main waits for io"))
      << ended.out;
}

TEST_F(ExecForkTest, OneObjectInTwoProcessesIsRefusedByName) {
  Ended ended = exec("two-users");
  EXPECT_EQ(ended.code, 5) << ended.out;
  EXPECT_TRUE(says(ended, "two processes use one object after a fork: eventfd, count 0"))
      << ended.out;
  ended = exec("both-ends");
  EXPECT_EQ(ended.code, 5) << ended.out;
  EXPECT_TRUE(says(ended, "two processes use one object after a fork: unix stream")) << ended.out;
  EXPECT_EQ(exec("closes").code, 0);
}

TEST_F(ExecForkTest, WhatIsNotModelledEndsTheRunFromWithinAChild) {
  Ended ended = exec("child-is-refused");
  EXPECT_EQ(ended.code, 5) << ended.out << ended.err;
  EXPECT_TRUE(says(ended, "in process 4000128: system is not modelled by the twin")) << ended.out;
  EXPECT_TRUE(
      says(pollux({"replay", token_of(ended), "--times", "3"}), "3 of 3 runs: verdict unmodelled"));
}

TEST_F(ExecForkTest, ACrashOfAChildIsForItsParentToJudge) {
  EXPECT_EQ(exec("child-crashes").code, 0);
}

TEST_F(ExecForkTest, AChildThatIsLeftBehindGoesWithTheRun) {
  Ended ended = exec("left-behind");
  EXPECT_EQ(ended.code, 0);
  EXPECT_FALSE(says(ended, "never seen"));
  for (int i = 0; i < 100 && is_there("left-behind"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(is_there("left-behind"));
}

TEST_F(ExecForkTest, AChildMayBecomeARealProgram) {
  Ended ended = exec("becomes-echo");
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_TRUE(says(ended, "a real program")) << ended.out;
}

TEST_F(ExecForkTest, DeathTestsOfGoogleTestRunAsTheyAre) {
  Ended ended = pollux({"exec", "--seeds", "0..20", "--audit", "--", EXEC_DEATH_TESTS});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_TRUE(says(ended, "20 audited by a second run")) << ended.out;
}

TEST_F(ExecForkTest, ManyChildrenInTurnUseTheSameMemoryAgain) { EXPECT_EQ(exec("many").code, 0); }

TEST_F(ExecForkTest, TheTraceIsThatOfAllProcesses) {
  Ended ended = pollux({"replay", token_of(exec("child-is-refused")), "--trace"});
  const size_t forks = ended.out.find("forks process 4000128");
  const size_t child = ended.out.find("4000128/main");
  ASSERT_NE(forks, std::string::npos) << ended.out;
  ASSERT_NE(child, std::string::npos) << ended.out;
  EXPECT_LT(forks, child);
}

}  // namespace
}  // namespace pollux::testing
