// SPDX-License-Identifier: MIT
//
// Tokens of a program that was built anew since: EXEC_SIGNAL with "_0", "_1" and "_2" behind it are
// what stood at its path (exec_signal.cc).
#include <filesystem>

#include "command_line.h"

namespace pollux::testing {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void build(int edit) {
  std::filesystem::remove("program");
  std::filesystem::copy_file(EXEC_SIGNAL "_" + std::to_string(edit), "program");
}

using ExecElsewhereTest = CommandTest;

TEST_F(ExecElsewhereTest, AProgramThatWasEditedIsReplayedByMeaning) {
  ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  build(0);
  Ended found = pollux({"exec", "--seeds", "0..4000", "--fail-fast", "--quiet", "--", "./program"});
  ASSERT_EQ(found.code, 1) << found.out << found.err;
  std::string token = token_of(pollux({"shrink", token_of(found), "--quiet"}));

  build(1);
  Ended edited = pollux({"replay", token});
  EXPECT_EQ(edited.code, 1) << edited.out << edited.err;
  EXPECT_TRUE(holds(edited.out, "reproduced by meaning: deviation 1 moved by +")) << edited.out;
  EXPECT_EQ(pollux({"replay", token_of(edited), "--times", "3"}).code, 1);
  Ended refused = pollux({"shrink", token});
  EXPECT_EQ(refused.code, 2);
  EXPECT_TRUE(holds(refused.err, "token was made with build ")) << refused.err;

  build(2);
  Ended fixed = pollux({"replay", token});
  EXPECT_EQ(fixed.code, 0) << fixed.out << fixed.err;
  EXPECT_TRUE(holds(fixed.out, "does not reproduce: the run holds")) << fixed.out;
}

}  // namespace
}  // namespace pollux::testing
