// SPDX-License-Identifier: MIT
//
// How the stack of the earlier access is got: by runs that are asked for it.
#include <gtest/gtest.h>

#include "run/race_stacks.h"

namespace pollux {
namespace {

const std::string kLater = "b writes 4 bytes:\n  there+0x2\n  there+0x3\n";

std::string details(unsigned number, const std::string& stack) {
  return kLater + "a wrote 4 bytes, access " + std::to_string(number) + " of the run:\n" + stack +
         "threads: a ended\n";
}
std::string alone(unsigned number) {
  return details(number, "  there+0x1\n  its callers are not known\n");
}

RunResult race(const std::string& details) {
  RunResult result;
  result.verdict = Verdict::data_race;
  result.reason = "there+0x2 / there+0x1: b writes what a wrote";
  result.details = details;
  return result;
}

// Says the same race each time, with the next details.
class Scripted final : public run::Runner {
 public:
  explicit Scripted(std::vector<std::string> details) : details_(std::move(details)) {}
  RunResult run(const run::Plan&, const run::Watch& watch) override {
    asked.push_back(watch.stack_of);
    RunResult result = race(details_.at(asked.size() - 1));
    if (result.details.empty()) result.verdict = Verdict::held;
    return result;
  }
  bool last_died() const override { return false; }

  std::vector<uint32_t> asked;

 private:
  std::vector<std::string> details_;
};

using Numbers = std::vector<uint32_t>;

TEST(RaceStacksTest, OneMoreRunIsAskedForTheAccess) {
  const std::string both = details(7, "  there+0x1\n  there+0x4\n");
  Scripted runner({both});
  EXPECT_EQ(run::with_both_stacks({}, race(alone(7)), runner).details, both);
  EXPECT_EQ(runner.asked, Numbers{7});
}

TEST(RaceStacksTest, WhereTheNumberHasMovedTheNewOneIsAskedFor) {
  const std::string both = details(9, "  there+0x1\n  there+0x4\n");
  Scripted runner({alone(9), both});
  EXPECT_EQ(run::with_both_stacks({}, race(alone(7)), runner).details, both);
  EXPECT_EQ(runner.asked, (Numbers{7, 9}));
}

TEST(RaceStacksTest, TheCallersMayStayUnknown) {
  Scripted runner({alone(9), alone(8)});
  EXPECT_EQ(run::with_both_stacks({}, race(alone(7)), runner).details, alone(8));
  EXPECT_EQ(runner.asked, (Numbers{7, 9}));
}

TEST(RaceStacksTest, ARunThatIsAnotherOneIsToldOf) {
  Scripted runner({""});
  EXPECT_EQ(run::with_both_stacks({}, race(alone(7)), runner).details,
            details(7,
                    "  there+0x1\n  its callers are not known: a second run, to see them, was "
                    "another one\n"));
}

TEST(RaceStacksTest, WhatIsNoRaceOrHasBothIsLeftAlone) {
  Scripted runner({});
  RunResult deadlock = race(alone(7));
  deadlock.verdict = Verdict::deadlock;
  EXPECT_EQ(run::with_both_stacks({}, deadlock, runner).details, alone(7));
  const std::string both = details(9, "  there+0x1\n  there+0x4\n");
  EXPECT_EQ(run::with_both_stacks({}, race(both), runner).details, both);
}

TEST(RaceStacksTest, PlacesThatNobodyKnowsAreShownAsTheyAre) {
  const RunResult result = race(alone(7));
  run::Story story(result);
  EXPECT_EQ(run::accesses_in_source(result, story),
            (std::vector<std::string>{"b writes 4 bytes:", "  there+0x2", "  there+0x3",
                                      "a wrote 4 bytes, access 7 of the run:", "  there+0x1",
                                      "  its callers are not known"}));
  EXPECT_EQ(run::with_functions(result.details, {}), result.details);
  RunResult deadlock = result;
  deadlock.verdict = Verdict::deadlock;
  EXPECT_TRUE(run::accesses_in_source(deadlock, story).empty());
}

}  // namespace
}  // namespace pollux
