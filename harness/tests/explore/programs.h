// SPDX-License-Identifier: MIT
//
// Small concurrent programs, written as anybody would, and compiled as code under test.
#pragma once

namespace pollux::explore_test {

using Program = void (*)();

}  // namespace pollux::explore_test

extern "C" {

struct PolluxTestProgram {
  const char* name;
  void (*body)();
  bool has_bug;       // some schedule fails
  bool plain_points;  // the bug lies between plain accesses
  bool needs_points;  // means nothing, or spins for ever, where atomics are no points
};

// Programs about interleavings; the table ends with a null name.
const PolluxTestProgram* pollux_schedule_programs();
// Textbook programs; some run for ever where they are wrong.
const PolluxTestProgram* pollux_litmus_programs();
// Programs about what a thread has of its own: none may fail under any schedule.
const PolluxTestProgram* pollux_identity_programs();
// Programs about pthread.h and the standard library's thread objects: none may fail.
const PolluxTestProgram* pollux_object_programs();

// For the benchmarks.
void pollux_load_loop(long count);
void pollux_add_loop(long count);
void pollux_plain_loop(long count);
void pollux_yield_loop(long count);
void pollux_create_loop(long count);
void pollux_park_protocol();

// Fails if two threads, each of which is inside for one step of a hundred, are so when a third
// looks, which it does once.
void pollux_two_inside();

// A word that the tests watch.
unsigned long* pollux_watched_word();
void pollux_write_watched();
}
