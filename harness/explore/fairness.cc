// SPDX-License-Identifier: MIT
//
// Fairness is not a choice. A strategy may let one thread run for ever, and a program may wait by
// looking again and again. So:
//
//   - a thread that has passed kTurnPoints points while others could run gives way to the next in
//     turn;
//   - when kFruitlessPoints points pass without anybody blocking (kTurnPoints where there is only
//     one thread), time leaps: to the next due moment, but no further than kFirstLeap. While still
//     nobody blocks the next leap is due after kMoreFruitlessPoints, and goes kGrowth times as far.
//     Whoever polls a clock sees it move on, and is not thrown beyond its own patience because the
//     next thing that is due is a keep-alive in two hours;
//   - a thread that polls again and again without any progress gives way every so many times, as
//     if it had yielded (give_way): who would put an end to it may be able to run;
//   - while a thread is held up, kHeldPoints points of others end that, or kBusyPoints while they
//     block at times: it may have what they spin for.
//
// All of it is a function of what was executed.
#include <algorithm>

#include "explore/state.h"

namespace pollux::explore {
namespace {

// A prime, so that a loop of the program is elsewhere at each turn that it is forced to give.
constexpr uint64_t kTurnPoints = 20'011;
constexpr uint64_t kFruitlessPoints = 200'000;
constexpr uint64_t kMoreFruitlessPoints = 20'000;
constexpr uint64_t kHeldPoints = 2'000;
constexpr uint64_t kBusyPoints = 200'000;
constexpr uint64_t kYieldWeight = 256;  // a yield is worth that many points of waiting
constexpr uint64_t kYieldAloneWeight = kFruitlessPoints / 64;
constexpr Time kFirstLeap = 10'000'000;
constexpr Time kGrowth = 4;

struct Fairness {
  uint64_t fruitless;   // points, and yields by weight, since somebody blocked
  uint64_t counted;     // `points` up to which `fruitless` has counted
  uint64_t while_held;  // the same while a thread is held up
  uint64_t since_held;  // also those before somebody blocked
  Time leap;            // how far the next one goes
};
Fairness fairness;

void count_from_here() {
  fairness.fruitless = 0;
  fairness.while_held = 0;
  fairness.counted = state.points;
}

void mix_jump() {
  trace::recorder.mix(tagged(Kind::jumped, static_cast<uint64_t>(state.timeline.now())));
}

void jump_to_next() {
  if (state.timeline.run_next()) mix_jump();
}

// With nothing due time would help nobody, and a program that is merely busy would see it run away.
void leap() {
  if (state.timeline.next() == kNever) return;
  if (state.timeline.next() - state.timeline.now() <= fairness.leap) return jump_to_next();
  state.timeline.spend(fairness.leap);
  mix_jump();
  if (fairness.leap < state.options.time_max) fairness.leap *= kGrowth;
}

void note(uint64_t points) {
  uint64_t more = points + (state.points - fairness.counted);
  fairness.counted = state.points;
  fairness.fruitless += more;
  if (state.held != 0) {
    fairness.while_held += more;
    fairness.since_held += more;
    if (fairness.while_held >= kHeldPoints || fairness.since_held >= kBusyPoints) {
      fairness.while_held = fairness.since_held = 0;
      jump_to_next();
    }
  }
  bool first = fairness.leap == kFirstLeap;
  if (fairness.fruitless < (first ? kFruitlessPoints : kMoreFruitlessPoints)) return;
  count_from_here();
  leap();
}

}  // namespace

void begin_fairness() {
  fairness.since_held = 0;
  arm_fairness();
  somebody_blocked();
}

void arm_fairness() {
  uint64_t check = state.points + (state.held != 0 ? kHeldPoints : kTurnPoints);
  if (state.slice_over) check = 0;
  state.points_check = std::min(check, state.options.points_max);
}

void look_closer() {
  shim::HarnessScope scope;
  if (state.points >= state.options.points_max) {
    end_run(Verdict::step_limit, "the bound on scheduling points is spent");
  }
  check_time();
  if (state.slice_over) {
    give_turn_away(state.timeline.now());
    return arm_fairness();
  }
  // Alone: nobody else can make it stop, time has to.
  bool alone = state.runnable == bit(state.current);
  note(alone ? kFruitlessPoints : 0);
  if (current().stopped) return leave_carrier();  // time moved, and its host went down
  if (uint64_t others = state.candidates & ~bit(kNobody); others != 0) {
    switch_to(next_in_turn(others));
  } else {
    arm_fairness();
  }
}

void somebody_blocked() {
  count_from_here();
  fairness.leap = kFirstLeap;
}

void note_fruitless_work() { note(0); }
void note_yield() { note(kYieldWeight); }
void note_yield_alone() { note(kYieldAloneWeight); }

bool is_anybody_held_up() { return state.held != 0; }

}  // namespace pollux::explore
