// SPDX-License-Identifier: MIT
//
// Programs about memory order: litmus tests, of which every outcome is known, and programs that are
// right or wrong by it.
#pragma once

extern "C" {

// Up to four threads; each puts what it reads into registers, which begin as 0.
struct PolluxLitmus {
  const char* name;
  void (*threads[4])();
  const char* outcomes;  // of the registers, each a digit; those that the explorer must reach
};
// The table ends with a null name.
const PolluxLitmus* pollux_memory_litmus();
// Forgets what the last run left.
void pollux_memory_reset();
// The registers of the last run, as text.
const char* pollux_memory_outcome();

struct PolluxMemoryProgram {
  const char* name;
  void (*body)();
  const char* verdict;  // the name of the one that it gets, in some run; "held": in every run
};
// What the race detector alone decides.
const PolluxMemoryProgram* pollux_race_programs();
// What only weak memory shows, or must not show.
const PolluxMemoryProgram* pollux_weak_programs();
}
