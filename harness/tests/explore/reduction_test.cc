// SPDX-License-Identifier: MIT
//
// The reduction loses nothing: under each bound, the states in which the runs of a program can end
// are the same with it and without.
#include "explore/reduction.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "explore/exhaustive.h"
#include "tests/explore/programs.h"
#include "tests/explore/programs_random.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

using explore::Bounds;
using explore::ExhaustiveSearch;

using Thread = std::vector<PolluxOp>;
using Program = std::vector<Thread>;
using State = std::vector<int>;  // the words, what each thread saw, how the run ended

struct Explored {
  std::set<State> states;
  uint64_t runs = 0;
};

Explored explore_all(const Program& program, Bounds bounds, bool reduce, uint64_t most) {
  Explored explored;
  ExhaustiveSearch search(bounds, reduce);
  do {
    pollux_random_reset();
    std::vector<std::vector<int>> seen;
    std::vector<std::function<void()>> bodies;
    for (const Thread& thread : program) seen.emplace_back(thread.size(), -1);
    for (size_t i = 0; i < program.size(); ++i) {
      bodies.push_back(
          [&, i] { pollux_random_run(program[i].data(), program[i].size(), seen[i].data()); });
    }
    Result result = run(search.strategy(), std::move(bodies));
    State state{pollux_random_word(0), pollux_random_word(1), static_cast<int>(result.verdict)};
    for (const auto& each : seen) state.insert(state.end(), each.begin(), each.end());
    explored.states.insert(state);
    ++explored.runs;
  } while (explored.runs < most && search.advance());
  EXPECT_EQ(search.diverged(), "");
  return explored;
}

const char* name_of(PolluxOpKind kind) {
  constexpr const char* kNames[] = {"load", "store", "add",     "swap",  "lock",      "unlock",
                                    "post", "wait",  "trywait", "sleep", "timedwait", "yield"};
  return kNames[kind];
}

std::string to_text(const Program& program) {
  std::string text;
  for (const Thread& thread : program) {
    text += "[ ";
    for (const PolluxOp& op : thread) {
      text += std::string(name_of(op.kind)) + std::to_string(op.object) + ":" +
              std::to_string(op.value) + " ";
    }
    text += "] ";
  }
  return text;
}

PolluxOp op(PolluxOpKind kind, int object, int value) {
  return {kind, static_cast<uint8_t>(object), static_cast<uint8_t>(value)};
}

rc::Gen<Program> programs(size_t threads, size_t longest, int kinds) {
  auto operation = rc::gen::map(
      rc::gen::tuple(rc::gen::inRange(0, kinds), rc::gen::inRange(0, 2), rc::gen::inRange(0, 3)),
      [](const std::tuple<int, int, int>& t) {
        return op(static_cast<PolluxOpKind>(std::get<0>(t)), std::get<1>(t), std::get<2>(t));
      });
  auto thread = rc::gen::mapcat(rc::gen::inRange<size_t>(1, longest + 1), [operation](size_t n) {
    return rc::gen::container<Thread>(n, operation);
  });
  return rc::gen::container<Program>(threads, thread);
}

void same_states(const Program& program, unsigned preemptions) {
  constexpr uint64_t kMost = 20'000;
  const Bounds bounds{.preemptions = preemptions};
  Explored full = explore_all(program, bounds, false, kMost);
  if (full.runs == kMost) return;  // too large to compare
  Explored reduced = explore_all(program, bounds, true, kMost);
  RC_LOG() << to_text(program) << preemptions << " preemptions: " << full.runs << " runs, "
           << full.states.size() << " states; reduced " << reduced.runs << " runs, "
           << reduced.states.size() << " states\n";
  RC_ASSERT(reduced.states == full.states);
  RC_ASSERT(reduced.runs <= full.runs);
}

class ReductionTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  }
};

TEST_F(ReductionTest, LosesNoStateOfTwoThreads) {
  EXPECT_TRUE(rc::check(
      "words", [] { same_states(*programs(2, 5, kPolluxLock), *rc::gen::inRange(0u, 5u)); }));
  EXPECT_TRUE(rc::check("everything", [] {
    same_states(*programs(2, 5, kPolluxOpKinds), *rc::gen::inRange(0u, 5u));
  }));
}

TEST_F(ReductionTest, LosesNoStateOfThreeThreads) {
  EXPECT_TRUE(rc::check(
      "words", [] { same_states(*programs(3, 3, kPolluxLock), *rc::gen::inRange(0u, 4u)); }));
  EXPECT_TRUE(rc::check("everything", [] {
    same_states(*programs(3, 3, kPolluxOpKinds), *rc::gen::inRange(0u, 4u));
  }));
}

TEST_F(ReductionTest, LosesNoStateOfFourThreads) {
  EXPECT_TRUE(rc::check("everything", [] {
    same_states(*programs(4, 2, kPolluxOpKinds), *rc::gen::inRange(0u, 3u));
  }));
}

// What earlier versions of the reduction lost: the order in which threads give way, and time.
TEST_F(ReductionTest, LosesNoStateThatTimeOrAYieldBringsAbout) {
  const PolluxOp yield = op(kPolluxYield, 0, 0), load0 = op(kPolluxLoad, 0, 0),
                 load1 = op(kPolluxLoad, 1, 0), store0 = op(kPolluxStore, 0, 1),
                 store1 = op(kPolluxStore, 1, 1), sleep1 = op(kPolluxSleep, 0, 0),
                 sleep2 = op(kPolluxSleep, 0, 1);
  const std::pair<Program, unsigned> kLost[] = {
      {{{yield}, {load0}, {store0}}, 0},
      {{{load0, load0, load0, load0}, {yield, yield, store0}}, 2},
      {{{load0}, {yield, sleep1, store0}}, 2},
      {{{load0, sleep1, load0, store1}, {op(kPolluxSwap, 0, 0), load0, load0, load1}}, 2},
      {{{op(kPolluxPost, 1, 0)}, {load0, yield, op(kPolluxTimedWait, 1, 1)}}, 2},
      {{{load1}, {load1}, {sleep2, store1}, {op(kPolluxTimedWait, 0, 1)}}, 2},
  };
  for (const auto& [program, preemptions] : kLost) {
    const Bounds bounds{.preemptions = preemptions};
    Explored full = explore_all(program, bounds, false, UINT64_MAX);
    Explored reduced = explore_all(program, bounds, true, UINT64_MAX);
    EXPECT_EQ(reduced.states, full.states) << to_text(program);
    EXPECT_GT(full.states.size(), 1u) << to_text(program);
  }
}

TEST_F(ReductionTest, ThreadsThatShareNothingRunOnce) {
  Thread first(4, op(kPolluxAdd, 0, 1)), second(4, op(kPolluxAdd, 1, 1));
  EXPECT_EQ(explore_all({first, second}, {.preemptions = 9}, true, 1000).runs, 1u);
}

TEST_F(ReductionTest, ReadersAreInNoOrder) {
  Thread reads(4, op(kPolluxLoad, 0, 0));
  EXPECT_EQ(explore_all({reads, reads, reads}, {.preemptions = 9}, true, 1000).runs, 1u);
}

TEST_F(ReductionTest, TwoWritersRunInEachOrderOfTheirWrites) {
  Thread writer{op(kPolluxStore, 0, 1)};
  Explored reduced = explore_all({writer, writer}, {.preemptions = 9}, true, 1000);
  EXPECT_EQ(reduced.states.size(), 1u);
  EXPECT_GE(reduced.runs, 2u);
  // Each order from the first point on, and again from the second.
  EXPECT_LE(reduced.runs, 6u);
}

}  // namespace
}  // namespace pollux::explore_test
