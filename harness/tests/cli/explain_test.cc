// SPDX-License-Identifier: MIT
//
// A failure explained: on one screen, with places in the source, and true.
#include <regex>
#include <sstream>

#include "command_line.h"

namespace pollux::testing {
namespace {

using ExplainTest = CommandTest;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string small_token(const std::string& suite) {
  Ended found = pollux({"run", suite, "--seeds", "0..4000", "--fail-fast", "--quiet"});
  EXPECT_EQ(found.code, 1) << found.out << found.err;
  return token_of(pollux({"shrink", token_of(found), "--quiet"}));
}

void expect_one_screen(const Ended& explained, const std::string& token) {
  EXPECT_EQ(explained.code, 1) << explained.out << explained.err;
  EXPECT_EQ(token_of(explained), token);
  std::istringstream lines(explained.out);
  std::string line;
  size_t count = 0;
  while (std::getline(lines, line)) {
    ++count;
    if (line.starts_with("pollux replay ")) continue;
    EXPECT_LE(line.size(), 100u) << line;
  }
  EXPECT_LE(count, 40u) << explained.out;
}

// Where the share of failing continuations jumps, in percent.
void expect_sealed(const std::string& out) {
  std::smatch match;
  ASSERT_TRUE(std::regex_search(
      out, match,
      std::regex("sealed after step [0-9]+: ([0-9]+) % of [0-9]+ random continuations fail from "
                 "here on, ([0-9]+) % before")))
      << out;
  EXPECT_GE(std::stoi(match[1]), 95) << out;
  EXPECT_LT(std::stoi(match[2]), std::stoi(match[1])) << out;
}

TEST_F(ExplainTest, ALostUpdateIsShownWithTheTwoThatCollide) {
  std::string token = small_token("toy-count");
  Ended explained = pollux({"explain", token, "--for", "5m"});
  expect_one_screen(explained, token);
  EXPECT_TRUE(holds(explained.out, "violation (count) in toy-count")) << explained.out;
  EXPECT_TRUE(std::regex_search(explained.out, std::regex("cause: .*at toy_subject.cc:[0-9]+")))
      << explained.out;
  EXPECT_TRUE(holds(explained.out, "left")) << explained.out;
  EXPECT_TRUE(holds(explained.out, "right")) << explained.out;
  EXPECT_TRUE(std::regex_search(explained.out, std::regex("stores #[0-9]+: [0-9]+ -> [0-9]+")))
      << explained.out;
  EXPECT_TRUE(holds(explained.out, "passes:")) << explained.out;
  expect_sealed(explained.out);
}

TEST_F(ExplainTest, ADeadlockIsShownWithWhoWaits) {
  std::string token = small_token("toy-lost");
  Ended explained = pollux({"explain", token, "--for", "5m"});
  expect_one_screen(explained, token);
  EXPECT_TRUE(holds(explained.out, "deadlock in toy-lost")) << explained.out;
  EXPECT_TRUE(holds(explained.out, "waits for cond")) << explained.out;
  EXPECT_TRUE(holds(explained.out, "toy_subject.cc:")) << explained.out;
  expect_sealed(explained.out);
}

TEST_F(ExplainTest, ACrashIsExplainedUpToIt) {
  std::string token = small_token("toy-crash");
  Ended explained = pollux({"explain", token, "--no-seal"});
  expect_one_screen(explained, token);
  EXPECT_TRUE(holds(explained.out, "crash (SIGABRT) in toy-crash")) << explained.out;
  EXPECT_TRUE(holds(explained.out, "toy_subject.cc:")) << explained.out;
  EXPECT_FALSE(holds(explained.out, "sealed")) << explained.out;
}

// Each with the functions that it was called by, whichever came first.
TEST_F(ExplainTest, BothAccessesOfADataRaceHaveTheirStacks) {
  Ended found = pollux({"run", "toy-race", "--races", "--seeds", "0..20", "--quiet"});
  EXPECT_EQ(found.code, 1) << found.out << found.err;
  EXPECT_TRUE(
      std::regex_search(found.out, std::regex("wrote 4 bytes, access [0-9]+ of the run:\n")))
      << found.out;
  Ended explained = pollux({"explain", token_of(found), "--no-seal"});
  expect_one_screen(explained, token_of(found));

  auto access = [](const std::string& side, const std::string& place) {
    const std::string at = "\n +" + place + "toy_subject.cc:[0-9]+ in ";
    return std::regex(side + " (reads|writes|wrote) 4 bytes[^:]*:" + at + side + "_step" + at +
                      side + "_leg" + at + "toy_bump_" + side + "\n");
  };
  for (const char* side : {"left", "right"}) {
    EXPECT_TRUE(std::regex_search(found.out, access(side, "pollux_toy\\+0x[0-9a-f]+  ")))
        << found.out;
    EXPECT_TRUE(std::regex_search(explained.out, access(side, ""))) << explained.out;
  }
  // A run that ended in this process can not be carried out again.
  Ended here = pollux({"replay", token_of(found), "--no-fork"});
  EXPECT_TRUE(holds(here.out, "its callers are not known\n")) << here.out << here.err;
}

TEST_F(ExplainTest, EachDeviationHasItsPlace) {
  std::string token = small_token("toy-count");
  Ended explained = pollux({"explain", token, "--no-seal", "--deviations"});
  EXPECT_TRUE(std::regex_search(
      explained.out, std::regex("t[0-9]/(point|pick)#[0-9]+ = .* at toy_subject.cc:[0-9]+ in ")))
      << explained.out;
}

}  // namespace
}  // namespace pollux::testing
