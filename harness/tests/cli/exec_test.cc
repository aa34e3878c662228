// SPDX-License-Identifier: MIT
//
// `pollux exec`: any program is a run.
#include <regex>
#include <sstream>

#include "command_line.h"

namespace pollux::testing {
namespace {

class ExecTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }

  Ended exec(const std::string& how, const std::string& seed = "7") {
    return pollux({"exec", "--seed", seed, "--", EXEC_PROGRAM, how});
  }

  // The verdict with its hash on the last line of stderr; the failure, when it is one, replays.
  void expect(const std::string& how, int code, const std::string& verdict,
              const std::string& property) {
    Ended ended = exec(how);
    EXPECT_EQ(ended.code, code) << how << ended.out << ended.err;
    std::smatch match;
    std::string line = last_line(ended.err);
    ASSERT_TRUE(std::regex_match(
        line, match,
        std::regex("pollux: seed 7 verdict ([a-z-]+) hash ([0-9a-f]{16}) calls ([0-9]+)")))
        << how << ended.err;
    EXPECT_EQ(match[1], verdict) << how;
    EXPECT_GE(std::stoi(match[3]), 3) << how;
    if (code == 0) return;
    EXPECT_NE(ended.out.find("(" + property + ") in exec, seed 7"), std::string::npos)
        << how << ended.out;
    Ended replayed = pollux({"replay", token_of(ended), "--times", "5"});
    EXPECT_NE(replayed.out.find("5 of 5 runs: verdict " + verdict + ", hash " + match[2].str()),
              std::string::npos)
        << how << replayed.out << replayed.err;
  }
};

TEST_F(ExecTest, TheVerdictIsHowTheProgramEnds) {
  expect("", 0, "held", "");
  expect("status", 1, "violation", "exit status 3");
  expect("exit", 1, "violation", "exit status 4");
  expect("_exit", 1, "violation", "exit status 5");
  expect("abort", 1, "crash", "SIGABRT");
  expect("segv", 1, "crash", "SIGSEGV");
}

TEST_F(ExecTest, AJudgeEndsTheProgram) {
  Ended ended = exec("deadlock");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("deadlock in exec"), std::string::npos) << ended.out;
  EXPECT_NE(last_line(ended.err).find("verdict deadlock"), std::string::npos) << ended.err;
  Ended again = pollux({"replay", token_of(ended)});
  EXPECT_EQ(last_line(again.err), last_line(ended.err));
  EXPECT_EQ(pollux({"shrink", token_of(ended)}).code, 1);
}

TEST_F(ExecTest, ALoopWithoutCallsIsEndedWhenTheUserWishes) {
  for (const char* seeds : {"--seed=7", "--seeds=7..8"}) {
    Ended ended = pollux({"exec", seeds, "--stuck", "1s", "--", EXEC_PROGRAM, "loop"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_NE(ended.out.find("stuck: no end after 1 s of real time"), std::string::npos)
        << ended.out << ended.err;
  }
}

TEST_F(ExecTest, TheProgramRunsOnTheTwinAndSeesNoPreload) {
  Ended ended = exec("");
  EXPECT_NE(ended.out.find("descriptor 64, preload ''"), std::string::npos) << ended.out;
}

TEST_F(ExecTest, ASweepTakesOneProcessPerSeedAndHasADigest) {
  auto digest = [](const std::string& jobs) {
    Ended ended =
        pollux({"exec", "--seeds", "0..30", "--jobs", jobs, "--audit", "--", EXEC_PROGRAM});
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 30 seeds: 30 held"), std::string::npos) << ended.out;
    return last_line(ended.out);
  };
  EXPECT_EQ(digest("1"), digest("2"));
}

// Their self-pipes and handlers are the library's; the signals are the twin's.
TEST_F(ExecTest, EventLoopsWaitForSignals) {
  std::istringstream programs(EXEC_SIGNAL_PROGRAMS);
  for (std::string program; programs >> program;) {
    Ended ended = pollux({"exec", "--seeds", "0..100", "--audit", "--", program});
    EXPECT_EQ(ended.code, 0) << program << ended.out << ended.err;
    EXPECT_NE(ended.out.find("exec: 100 seeds: 100 held"), std::string::npos) << ended.out;
  }
}

TEST_F(ExecTest, ASignalThatKillsIsNamed) {
  Ended ended = exec("term");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("killed by SIGTERM"), std::string::npos) << ended.out;
  ended = exec("sigpipe");
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.out.find("killed by SIGPIPE: write to unix"), std::string::npos) << ended.out;
}

TEST_F(ExecTest, AStaticProgramIsRefused) {
  Ended ended = pollux({"exec", "--", EXEC_STATIC_PROGRAM});
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("no dynamically linked program"), std::string::npos) << ended.err;
}

}  // namespace
}  // namespace pollux::testing
