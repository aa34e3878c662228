// SPDX-License-Identifier: MIT
//
// Virtual threads: who runs, who waits for what, and who runs next.
//
// Exactly one OS thread carries a run, or with `real_threads` exactly one at a time
// (real_threads.h). A virtual thread is a stack and a thread control block borrowed from a parked
// real pthread (donor.h), so that errno, thread_local objects, pthread_self, exceptions and stack
// unwinding are its own. It gives up the carrier only inside the harness: at a scheduling point,
// when it blocks, when it yields, when it ends.
//
// Everything here is called on the carrier with the gate closed (pollux/shim/gate.h), unless it
// says that it closes the gate itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "explore/timeline.h"
#include "pollux/choice.h"
#include "pollux/verdict.h"

namespace pollux::explore {

enum class Why : uint8_t {
  nothing,
  mutex,
  cond,
  rwlock,
  join,
  futex,
  semaphore,
  once,
  guard,
  barrier,
  spin,
  sleep,
  io,
  signal,
  child,
  held  // its thread was held up: kNobody was chosen at a point
};
const char* to_string(Why);

// What a thread carries that other parts of the harness need; the rest is private to scheduler.cc.
struct ThreadInfo {
  Actor id;
  unsigned host;
  const char* name;
  Why waits_for;       // nothing when it can run
  const void* object;  // what it waits on
  bool alive;
};

// --- Life of a run. Called by World.

struct SchedulerOptions {
  uint64_t points_max;
  bool plain_points;
  Time time_max;
  bool races = false;         // a data race ends the run
  bool weak_memory = false;   // a load of an atomic may read an old value; implies races
  bool real_threads = false;  // each virtual thread on an OS thread of its own; they take turns
  bool strict = false;        // what a judge notes ends the run
};
void begin_run(const SchedulerOptions&, Strategy&);
Actor spawn(std::string name, unsigned host, std::function<void()> body);
// Runs until every spawned thread returned or end_run was called.
void run_to_end();
// From any virtual thread, or from the idle loop: leaves the run. Does not return.
[[noreturn]] void end_run(Verdict, const std::string& reason);
struct Outcome {
  Verdict verdict;
  std::string reason;
  uint64_t points, switches;
};
Outcome outcome();
uint64_t points_so_far();
// After a run that ended with Verdict::data_race: both accesses, the second one with its stack.
const std::string& race_details();
bool run_is_on();
// Whether it is one of process mode, in which the program may fork.
bool is_process_run();
// When nothing can run and nothing is due: says which verdict and why. Set by World (the judges
// know).
using QuiescenceJudge = void (*)();  // calls end_run
void set_quiescence_judge(QuiescenceJudge);
// Process mode (pollux exec): the calling main thread becomes virtual thread 0 on its own stack.
// `at_end` is called instead of returning to a driver when the run ends.
using ProcessEnd = void (*)(Verdict, const std::string& reason);
void adopt_main_thread(const SchedulerOptions&, Strategy&, ProcessEnd at_end);

// --- For the twin kernel and the thread objects.

Choices& choices();
Timeline& timeline();
inline uint32_t choose(Site site, uint32_t n) { return choices().choose(site, n); }

Actor current_thread();
unsigned current_host();
// The host is off: its threads never run again, and nothing of what they would still do happens.
// Also from the timeline; one that runs just then gets as far as its next call. Returns how many of
// them spawn() had made: the run waits for as many, as if they still ran, until it is told not to
// (others were spawned in their place, or none will be).
unsigned stop_threads_of(unsigned host);
void wait_for_fewer(unsigned stopped);

// For reports; cut to 31 characters.
void name_current_thread(const std::string& name);

// The current thread waits until wake*() names it, or until `deadline`. True: woken; false:
// deadline. A signal ends a wait as well, with true (signals.h); of those for thread objects only
// after its handlers have run, so who waits for one looks again.
bool block(Why, const void* object, Time deadline);
// Wakes every thread that waits for (why, object); returns how many.
unsigned wake_all(Why, const void* object);
// Wakes up to `count`, chosen at `site` (0: longest waiter first).
unsigned wake_some(Why, const void* object, unsigned count, Site site);
// The current thread stays runnable and lets another one go first.
void yield();
// The same without having been asked to, if there is another one.
void give_way();
// By a choice: the machine keeps it from running.
bool is_anybody_held_up();

// A scheduling point in front of a call into the kernel or onto a thread object; `place`
// distinguishes kinds in the hash. Closes nothing: call with the gate closed.
void call_point(uint64_t place);

// Sections in which the current thread must not be switched away. They nest.
void no_preempt_begin();
void no_preempt_end();

// --- The rolling hash and the trace of the run (trace/recorder.h) are fed here.

// For reports: threads in id order.
unsigned thread_count();
ThreadInfo thread_info(Actor);
// "main waits for io, t1 can run"
std::string describe_threads();

}  // namespace pollux::explore
