// SPDX-License-Identifier: MIT
//
// Programs that were built with a stock -fsanitize=thread: their atomics and plain accesses are the
// explorer's, without a new link.
#include <regex>

#include "command_line.h"

namespace pollux::testing {
namespace {

class StockTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("POLLUX_LIBRARY", POLLUX_PRELOAD, 1);
  }
};

bool says(const Ended& ended, const std::string& text) {
  return ended.out.find(text) != std::string::npos;
}

TEST_F(StockTest, TheLostWakeUpOfTheStandardSemaphoreIsFoundShrunkAndExplained) {
  Ended swept = pollux({"exec", "--seeds", "0..200", "--strategy", "walk", "--", EXEC_SEMAPHORE});
  ASSERT_EQ(swept.code, 1) << swept.out << swept.err;
  EXPECT_TRUE(says(swept, "deadlock in exec")) << swept.out;

  Ended shrunk = pollux({"shrink", token_of(swept)});
  EXPECT_TRUE(says(shrunk, "main waits for join, t1 waits for futex") ||
              says(shrunk, "main waits for futex"))
      << shrunk.out;
  EXPECT_TRUE(says(shrunk, "semaphore.cc:")) << shrunk.out;
  EXPECT_TRUE(says(shrunk, "sealed after step")) << shrunk.out;
  EXPECT_TRUE(says(shrunk, "passes:")) << shrunk.out;
  Ended replayed = pollux({"replay", token_of(shrunk), "--times", "3"});
  EXPECT_TRUE(says(replayed, "3 of 3 runs: verdict deadlock")) << replayed.out << replayed.err;
}

TEST_F(StockTest, ADataRaceIsReportedWithBothStacks) {
  Ended quiet = pollux({"exec", "--seed", "3", "--", EXEC_STOCK_RACE});
  EXPECT_EQ(quiet.code, 0) << quiet.out << quiet.err;
  Ended ended = pollux({"exec", "--seed", "3", "--races", "--", EXEC_STOCK_RACE});
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_TRUE(says(ended, "data-race (cli_stock_race+0x")) << ended.out;
  const std::string place = "\n +cli_stock_race\\+0x[0-9a-f]+  stock_race.cc:[0-9]+ in ";
  for (const char* stack : {"main (reads|writes|wrote) 4 bytes[^:]*:@add_two@count_two@main\n",
                            "t1 (reads|writes|wrote) 4 bytes[^:]*:@add_one@count_one@"}) {
    const std::string text = std::regex_replace(stack, std::regex("@"), place);
    EXPECT_TRUE(std::regex_search(ended.out, std::regex(text))) << ended.out;
  }
  Ended replayed = pollux({"replay", token_of(ended)});
  EXPECT_FALSE(says(replayed, "callers are not known")) << replayed.out;

  Ended explained = pollux({"explain", token_of(ended), "--no-seal"});
  EXPECT_TRUE(says(explained, "cause:    stock_race.cc:")) << explained.out << explained.err;
  const std::string at = "\n +stock_race.cc:[0-9]+ in ";
  EXPECT_TRUE(
      std::regex_search(explained.out, std::regex("main (reads|writes|wrote) 4 bytes[^:]*:" + at +
                                                  "add_two" + at + "count_two" + at + "main\n")))
      << explained.out;
  EXPECT_TRUE(std::regex_search(
      explained.out, std::regex("t1 (reads|writes|wrote) 4 bytes[^:]*:" + at + "add_one" + at +
                                "count_one" + at + ".*operator\\(\\)")))
      << explained.out;
}

}  // namespace
}  // namespace pollux::testing
