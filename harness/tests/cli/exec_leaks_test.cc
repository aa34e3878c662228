// SPDX-License-Identifier: MIT
//
// `pollux exec --leaks`: memory that a program has lost when it ends.
#include "command_line.h"

namespace pollux::testing {
namespace {

class LeaksTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }

  static Ended run(const std::string& program, const std::string& what) {
    return pollux({"exec", "--leaks", "--", program, what});
  }
  static void expect_lost(const std::string& program, const std::string& what,
                          const std::string& text) {
    const Ended ended = run(program, what);
    EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("leaked-memory"), std::string::npos) << ended.out << ended.err;
    EXPECT_NE(ended.out.find(text), std::string::npos) << ended.out << ended.err;
  }
  static void expect_held(const std::string& program, const std::string& what) {
    const Ended ended = run(program, what);
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  }
};

TEST_F(LeaksTest, ProgramsThatLoseMemoryAreConvicted) {
  expect_lost(EXEC_LEAKS_C, "plain", ": 64 bytes that main allocated here");
  expect_lost(EXEC_LEAKS_C, "exit", ": 64 bytes that main allocated here");
  expect_lost(EXEC_LEAKS_FIXED, "plain", ": 64 bytes that main allocated here");
  expect_lost(EXEC_LEAKS_C, "cycle", "128 bytes in 2 blocks in all");
  expect_lost(EXEC_LEAKS_CC, "array", ": 400 bytes that main allocated here");
  expect_lost(EXEC_LEAKS_CC, "cycle", " in 3 blocks in all");
}

TEST_F(LeaksTest, OthersAreNot) {
  expect_held(EXEC_LEAKS_C, "freed");
  expect_held(EXEC_LEAKS_C, "held");
  expect_held(EXEC_LEAKS_C, "register");
  expect_held(EXEC_LEAKS_C, "_exit");  // as LeakSanitizer: nobody has said that it is done
  expect_held(EXEC_LEAKS_CC, "held");
}

TEST_F(LeaksTest, NobodyIsWithoutTheFlag) {
  const Ended ended = pollux({"exec", "--", EXEC_LEAKS_C, "plain"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
}

TEST_F(LeaksTest, ALeakOfOneInterleavingIsFoundReplayedShrunkAndExplained) {
  const Ended swept = pollux({"exec", "--leaks", "--seeds", "0..200", "--", EXEC_LEAKS_C, "twice"});
  ASSERT_EQ(swept.code, 1) << swept.out << swept.err;
  EXPECT_NE(swept.out.find("leaked-memory (cli_exec_leaks_c+0x"), std::string::npos) << swept.out;
  EXPECT_NE(swept.out.find(" held, "), std::string::npos) << swept.out;
  const Ended replayed = pollux({"replay", token_of(swept), "--times", "3"});
  EXPECT_NE(replayed.out.find("3 of 3 runs: verdict leaked-memory"), std::string::npos)
      << replayed.out << replayed.err;
  const Ended shrunk = pollux({"shrink", token_of(swept)});
  EXPECT_NE(shrunk.out.find("exec_leaks.c:"), std::string::npos) << shrunk.out << shrunk.err;
  EXPECT_NE(shrunk.out.find(" in make: 64 bytes"), std::string::npos) << shrunk.out << shrunk.err;
  EXPECT_NE(shrunk.out.find("lost:     64 bytes in 1 block"), std::string::npos) << shrunk.out;
}

TEST_F(LeaksTest, AnAllocatorOfTheExecutablesOwnIsNotOurs) {
  const Ended ended = run(EXEC_LEAKS_ALLOCATOR, "plain");
  EXPECT_EQ(ended.code, 5) << ended.out << ended.err;
  EXPECT_NE((ended.out + ended.err).find("one of its own executable"), std::string::npos)
      << ended.out << ended.err;
}

}  // namespace
}  // namespace pollux::testing
