// SPDX-License-Identifier: MIT
//
// Death tests of GoogleTest, which fork: an ordinary test program that `pollux exec` runs.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

TEST(DeathTest, EndsAsItSays) {
  EXPECT_EXIT(
      {
        std::fputs("farewell\n", stderr);
        std::exit(3);
      },
      testing::ExitedWithCode(3), "farewell");
  EXPECT_DEATH(std::abort(), "");
  EXPECT_EXIT(raise(SIGSEGV), testing::KilledBySignal(SIGSEGV), "");
}

TEST(DeathTest, WhatIsInTheStatementRunsOnTheTwin) {
  EXPECT_EXIT(
      {
        int pair[2];
        char byte = 0;
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pair[0] < 64) std::exit(1);
        if (write(pair[0], "x", 1) != 1 || read(pair[1], &byte, 1) != 1) std::exit(2);
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
