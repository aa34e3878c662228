// SPDX-License-Identifier: MIT
//
// Tokens after an edit of the program: POLLUX_TOY with "_1", "_2" and "_3" behind it is the same
// command with an edited subject (toy_subject.cc).
#include "run/elsewhere.h"

#include "command_line.h"

namespace pollux::testing {
namespace {

using ElsewhereCommandTest = CommandTest;
using run::Elsewhere;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Ended edited(int edit, const std::vector<std::string>& arguments) {
  return run_program(POLLUX_TOY "_" + std::to_string(edit), arguments);
}

std::string seed_token(const std::string& suite) {
  Ended found = pollux({"run", suite, "--seeds", "0..4000", "--fail-fast", "--quiet"});
  EXPECT_EQ(found.code, 1) << found.out << found.err;
  return token_of(found);
}

std::string small_token(const std::string& suite) {
  return token_of(pollux({"shrink", seed_token(suite), "--quiet"}));
}

std::string without_meanings(const std::string& line) {
  auto token = std::get<run::Token>(run::parse_token(line));
  EXPECT_FALSE(token.meanings.empty());
  token.meanings.clear();
  return run::encode(token);
}

void expect_found(const Ended& ended, int edit, const std::string& how) {
  EXPECT_EQ(ended.code, 1) << ended.out << ended.err;
  EXPECT_TRUE(holds(ended.out, "verdicts are compared, not hashes")) << ended.out;
  EXPECT_TRUE(holds(ended.out, how)) << ended.out;
  EXPECT_TRUE(holds(ended.out, "3 of 3 runs: verdict ")) << ended.out;
  // What it ends with is a token of the build that it was found in, to the hash.
  Ended again = edited(edit, {"replay", token_of(ended)});
  EXPECT_EQ(again.code, 1) << again.out;
  EXPECT_FALSE(holds(again.out, "not hashes")) << again.out;
}

TEST_F(ElsewhereCommandTest, AnEditElsewhereLeavesTheMeaning) {
  for (const char* suite : {"toy-count", "toy-crash", "toy-lost"}) {
    SCOPED_TRACE(suite);
    Ended ended = edited(1, {"replay", small_token(suite), "--times", "3"});
    expect_found(ended, 1, "reproduced by meaning: deviation 1 moved by +");
    EXPECT_TRUE(holds(ended.out, "in toy_")) << ended.out;
  }
}

TEST_F(ElsewhereCommandTest, WithoutAMeaningItIsFoundNearBy) {
  std::string token = without_meanings(small_token("toy-count"));
  expect_found(edited(1, {"replay", token, "--times", "3"}), 1,
               "not reproduced as recorded; found with deviation 1 moved by +");
}

TEST_F(ElsewhereCommandTest, WhereTheMeaningIsGoneItIsFoundNearBy) {
  expect_found(edited(2, {"replay", small_token("toy-count"), "--times", "3"}), 2,
               "not reproduced as recorded; found with deviation 1 moved by +1\n");
}

TEST_F(ElsewhereCommandTest, WhatIsFixedDoesNotReproduce) {
  for (const char* suite : {"toy-count", "toy-lost"}) {
    Ended ended = edited(3, {"replay", small_token(suite)});
    EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
    EXPECT_TRUE(holds(ended.out, "does not reproduce: the run holds")) << ended.out;
  }
}

TEST_F(ElsewhereCommandTest, WhatWasNotShrunkIsInconclusive) {
  Ended ended = edited(3, {"replay", seed_token("toy-count")});
  EXPECT_EQ(ended.code, 6) << ended.out << ended.err;
  EXPECT_TRUE(holds(ended.out, "says little of a token that was not shrunk")) << ended.out;
}

TEST_F(ElsewhereCommandTest, OnlyReplayTakesThemUnlessForced) {
  std::string token = small_token("toy-count");
  for (const char* command : {"shrink", "explain", "trace"}) {
    Ended ended = edited(1, {command, token});
    EXPECT_EQ(ended.code, 2) << ended.out;
    EXPECT_TRUE(holds(ended.err, "`pollux replay` looks for its failure here")) << ended.err;
  }
  Ended forced = edited(3, {"replay", token, "--force"});
  EXPECT_EQ(forced.code, 3) << forced.out;
  EXPECT_TRUE(holds(forced.out, "diverged: run 1 is held")) << forced.out;
}

// A program of one thread that makes calls, and fails when it is held up in front of the right
// ones.
class FakeRunner final : public run::Runner {
 public:
  FakeRunner(std::vector<std::string> calls, std::vector<Deviation> failing)
      : calls_(std::move(calls)), failing_(std::move(failing)) {}

  RunResult run(const run::Plan& plan, const run::Watch& watch) override {
    const auto& made = std::get<std::vector<Deviation>>(plan.choices);
    RunResult result;
    result.points = 100;
    result.deviations = made;
    if (made == failing_) result.verdict = Verdict::deadlock;
    if (watch.log) result.log = log(made);
    return result;
  }
  size_t run_until_failure(run::Plan plan, std::span<const std::vector<Deviation>> lists,
                           const run::Watch& watch, RunResult& result) override {
    return Runner::run_until_failure(std::move(plan), lists, watch, result);
  }
  bool last_died() const override { return false; }

 private:
  StepLog log(const std::vector<Deviation>& made) const {
    StepLog log;
    std::vector<std::string> calls = calls_;
    // Whoever is held up has to try again.
    for (const Deviation& d : made) {
      if (d.ordinal < calls.size()) calls.insert(calls.begin() + d.ordinal, "retry(1) = 0");
    }
    for (size_t i = 0; i < calls.size(); ++i) {
      log.texts.push_back(calls[i]);
      Step& step = log.steps.emplace_back();
      step.kind = StepKind::call;
      step.ordinal = i;
      step.text = static_cast<uint32_t>(i + 1);
    }
    return log;
  }

  std::vector<std::string> calls_;
  std::vector<Deviation> failing_;
};

Deviation held_up(uint32_t ordinal) { return {0, site::kPoint, ordinal, 1 + kNobody}; }

run::Token token_with(std::vector<Deviation> deviations, std::vector<run::Meaning> meanings) {
  run::Token token;
  token.choices = std::move(deviations);
  token.meanings = std::move(meanings);
  token.verdict = Verdict::deadlock;
  token.property = "deadlock";
  return token;
}

Elsewhere look_for(const run::Token& token, FakeRunner runner) {
  run::Plan plan;
  plan.choices = token.choices;
  return find_elsewhere(token, plan, runner);
}

const std::vector<std::string> kCalls{"open(1) = 3",  "read(3) = 1",  "read(3) = 2",
                                      "write(3) = 1", "write(3) = 1", "close(3) = 0"};

TEST(ElsewhereTest, EachIsPlacedInTheRunWithThoseBeforeIt) {
  run::Token token = token_with({held_up(1), held_up(2)}, {{"", "read", 1}, {"", "write", 1}});
  // In front of the second read, and then of the second write, which the first one has moved.
  Elsewhere found = look_for(token, FakeRunner(kCalls, {held_up(2), held_up(5)}));
  EXPECT_EQ(found.how, Elsewhere::How::by_meaning);
  EXPECT_EQ(moves(token, found),
            (std::vector<std::string>{"deviation 1 moved by +1", "deviation 2 moved by +3"}));
}

TEST(ElsewhereTest, OneWithoutAPlaceMovesWithTheOneBefore) {
  run::Token token = token_with({held_up(1), held_up(2)}, {{"", "read", 1}, {"gone", "write", 1}});
  Elsewhere found = look_for(token, FakeRunner(kCalls, {held_up(2), held_up(3)}));
  EXPECT_EQ(found.how, Elsewhere::How::by_meaning);
}

TEST(ElsewhereTest, TwoMayMoveEachOnItsOwn) {
  run::Token token = token_with({held_up(10), held_up(20)}, {});
  Elsewhere found = look_for(token, FakeRunner(kCalls, {held_up(12), held_up(19)}));
  EXPECT_EQ(found.how, Elsewhere::How::near_by);
  EXPECT_EQ(moves(token, found),
            (std::vector<std::string>{"deviation 1 moved by +2", "deviation 2 moved by -1"}));
}

TEST(ElsewhereTest, ThoseBehindAnEditMoveTogether) {
  run::Token token = token_with({held_up(10), held_up(20), held_up(30)}, {});
  Elsewhere found = look_for(token, FakeRunner(kCalls, {held_up(10), held_up(27), held_up(37)}));
  EXPECT_EQ(found.how, Elsewhere::How::near_by);
  EXPECT_EQ(moves(token, found),
            (std::vector<std::string>{"deviation 2 moved by +7", "deviation 3 moved by +7"}));
}

TEST(ElsewhereTest, WhatIsFarAwayIsNotFound) {
  run::Token token = token_with({held_up(10)}, {});
  Elsewhere first = look_for(token, FakeRunner(kCalls, {held_up(30)}));
  Elsewhere second = look_for(token, FakeRunner(kCalls, {held_up(30)}));
  EXPECT_EQ(first.how, Elsewhere::How::not_at_all);
  EXPECT_EQ(first.runs, second.runs);
  EXPECT_EQ(first.result.verdict, Verdict::held);
}

}  // namespace
}  // namespace pollux::testing
