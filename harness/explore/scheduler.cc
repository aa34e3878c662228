// SPDX-License-Identifier: MIT
//
// Who runs. A thread is in one of four states:
//
//   free ---create_thread---> runnable <---make_runnable--- blocked
//                              |  ^                            ^
//                              |  +------- (is chosen) --------+-- block(): leave_carrier()
//                              v
//                             done ---join or detach---> free
//
// `current` is the runnable thread whose stack and TLS the carrier is on. It changes in switch_to()
// only, and switch_to() is called from three places only: a point (the choices said so, or fairness
// did), leave_carrier() (the current thread can not go on) and yield().
//
// While nobody is runnable, the loop in leave_carrier() runs on the stack of the thread that
// stopped last: it lets virtual time jump from one due moment to the next until an action makes
// somebody runnable. When nothing is due any more, the judge ends the run.
//
// A run ends by a switch to the driver, the stack that called run_to_end(). Threads that have not
// returned are abandoned as they are; their slots are looked at by the judges until the next run.
//
// Why no locks: exactly one OS thread is ever here at a time. A timeline action never switches; it
// only makes threads runnable.
#include "explore/scheduler.h"

#include <sys/syscall.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <iterator>
#include <utility>

#include "explore/check.h"
#include "explore/happens_before.h"
#include "explore/judge_notes.h"
#include "explore/kernel_order.h"
#include "explore/lock_order.h"
#include "explore/modules.h"
#include "explore/processes.h"
#include "explore/real_threads.h"
#include "explore/signals.h"
#include "explore/state.h"
#include "pollux/shim/carrier.h"
#include "pollux/shim/raw_system_call.h"
#include "pollux/shim/window.h"

namespace pollux::explore {

constinit NeverDestroyed<State> state_storage;

namespace {

// Entries looked at beyond time_max to tell a deadlock from a long wait.
constexpr unsigned kBeyondMax = 10'000;
// As many as the standard libraries spin for before they sleep, or more.
constexpr unsigned kUnheardYields = 16;

// Bodies of added threads; destroyed when the next run begins.
std::function<void()> bodies[kThreadsMax];
std::string& reason_of_end() {
  static auto* const reason = new std::string;  // outlives the exit handlers, like the state
  return *reason;
}
QuiescenceJudge judge = nullptr;

// `mask` is not empty. The current thread chooses; it can not go on itself.
Actor pick(uint64_t mask) {
  Actor boring = next_in_turn(mask);
  return state.choices.choose_thread(site::kPick, std::has_single_bit(mask) ? 0 : mask, boring);
}

// Asks even if there is only one: a strategy with priorities has to know who gave way, or the next
// point takes the turn back.
void yield_to_one_of(uint64_t others) {
  switch_to(state.choices.choose_thread(site::kPick, others, next_in_turn(others)));
}

[[noreturn]] void nothing_can_happen() {
  if (judge != nullptr) judge();
  end_run(Verdict::deadlock, describe_threads());
}

// Nobody can run and all that is due lies beyond the bound. If none of it wakes anybody, the
// program would not have gone on with more time either.
[[noreturn]] void run_out_of_time() {
  for (unsigned i = 0; i < kBeyondMax && state.runnable == 0; ++i) {
    if (!state.timeline.run_next()) nothing_can_happen();
  }
  time_is_used_up();
}

void on_deadline(void*, uint64_t id, uint64_t generation) {
  Thread& thread = state.threads[id];
  if (thread.state != ThreadState::blocked || thread.generation != generation) return;
  make_runnable(static_cast<Actor>(id), false);
}

void describe_switch(Actor next) {
  if (trace::recorder.text) trace::line(trace::What::turn, "-> %s", state.threads[next].name);
}

void* run_body(void* argument) {
  (*static_cast<std::function<void()>*>(argument))();
  return nullptr;
}

// Runs body(argument) with the thread control block of the OS thread. Between the two changes
// nothing of the virtual thread's TLS may be touched.
__attribute__((noinline)) void run_as_carrier(void (*body)(void*), void* argument) {
  uintptr_t own = shim::thread_pointer();
  // Now, not when it is needed: for the compiler the thread pointer never changes.
  asm volatile("" : "+r"(own));
  set_thread_pointer(state.driver.thread_pointer);
  body(argument);
  set_thread_pointer(own);
}

// From here on the calling OS thread carries a run.
void begin_carrying() {
  state.on = true;
  state.driver.thread_pointer = shim::thread_pointer();
  shim::run_as_carrier = state.options.real_threads ? nullptr : run_as_carrier;
  shim::pollux_run_carrier = static_cast<pid_t>(shim::raw_system_call(SYS_gettid));
  if (state.options.real_threads) begin_turns();
}

void reset_run(const SchedulerOptions& options, Strategy& strategy) {
  POLLUX_EXPLORE_CHECK(!state.on);
  POLLUX_EXPLORE_CHECK(shim::pollux_gate == 0);
  refresh_modules();
  Extent code = executable();
  state.code_base = code.base;
  state.code_size = code.size;
  state.switch_to = options.real_threads ? switch_by_turn : choose_switch();
  for (unsigned id = 0; id < state.thread_count; ++id) {
    Thread& thread = state.threads[id];
    if (thread.state != ThreadState::free) {
      thread.abandoned = thread.state != ThreadState::done;
      thread.state = ThreadState::free;
    }
    thread.destructors.clear();
    bodies[id] = nullptr;
  }
  state.thread_count = 0;
  state.added_alive = 0;
  state.held = 0;
  signalled_threads = 0;
  state.runnable = 0;
  state.candidates = 0;
  state.points = 0;
  state.switches = 0;
  state.arrivals = 0;
  state.current = 0;
  state.options = options;
  state.plain_points = options.plain_points;
  state.races = options.races || options.weak_memory;
  state.weak_memory = options.weak_memory;
  state.plain_hooks = state.plain_points || state.races;
  keeps_order = state.races;
  if (state.races) begin_order();
  begin_notes(options.strict);
  begin_lock_order();
  state.watcher = nullptr;
  state.observer = nullptr;
  state.watch_length = 0;
  state.word_names = nullptr;
  state.process_end = nullptr;
  state.verdict = Verdict::held;
  reason_of_end().clear();
  state.timeline.reset();
  state.choices.begin(strategy);
  begin_fairness();
}

// sched_yield(2) moves the caller behind those that wait for its processor; where each has one of
// its own it returns at once. So may the yields of a short spin, all of them; who spins for longer
// is heard, or it would not end.
bool is_unheard_yield() {
  Thread& thread = current();
  if (thread.unheard != 0) return --thread.unheard != 0;
  if (choose(site::kYield, 2) == 0) return false;
  thread.unheard = kUnheardYields;
  return true;
}

}  // namespace

const char* to_string(Why why) {
  constexpr const char* kNames[] = {
      "nothing", "mutex",   "cond", "rwlock", "join", "futex",    "semaphore", "once",
      "guard",   "barrier", "spin", "sleep",  "io",   "a signal", "a child",   "time (held up)"};
  return kNames[static_cast<unsigned>(why)];
}

// --- Inside.

Actor next_in_turn(uint64_t mask) {
  uint64_t later = mask & ~(bit(state.current) | (bit(state.current) - 1));
  return static_cast<Actor>(std::countr_zero(later != 0 ? later : mask));
}

void time_is_used_up() { end_run(Verdict::time_limit, "virtual time is used up"); }

void recompute_candidates() {
  const Thread& thread = current();
  state.candidates =
      thread.no_preempt != 0 ? 0 : (state.runnable & ~bit(state.current)) | bit(kNobody);
}

void make_runnable(Actor id, bool woken) {
  Thread& thread = state.threads[id];
  // What time does nobody does.
  if (state.observer != nullptr && state.choices.actor() != kNetwork) {
    state.observer->enabled(state.current, id);
  }
  thread.state = ThreadState::runnable;
  thread.woken = woken;
  thread.why = Why::nothing;
  state.runnable |= bit(id);
  recompute_candidates();
}

void switch_to(Actor next) {
  Actor from = state.current;
  if (next == from) {
    state.choices.set_actor(next);
    recompute_candidates();
    return;
  }
  // Threads that spin until one that is held up lets them go on must not outlast it.
  if (state.held != 0) note_fruitless_work();
  if (state.threads[next].stopped) return leave_carrier();  // time moved, and its host went down
  describe_switch(next);
  ++state.switches;
  trace::recorder.mix(tagged(Kind::switched, next));
  trace::recorder.step();
  state.current = next;
  state.choices.set_actor(next);
  recompute_candidates();
  arm_fairness();
  Context& to = state.contexts[next];
  state.switch_to(&state.contexts[from].stack, to.stack, to.thread_pointer);
}

// The running thread stays away from the carrier for a while, though it could run. With nothing due
// and nobody else, that is the same as going on.
void hold_up() {
  constexpr Time kHolds[] = {0, 1'000, 5'000, 20'000, 100'000, 500'000, 2'000'000, 10'000'000};
  if (current().stopped) leave_carrier();
  if (state.timeline.next() == kNever && state.runnable == bit(state.current)) return;
  uint32_t chosen = state.choices.choose(site::kHold, std::size(kHolds));
  Time until = state.timeline.now() + kHolds[chosen];
  if (chosen == 0) {
    // Added last among the entries of that moment, so it comes after them.
    until = std::min(state.timeline.next(), until + *std::rbegin(kHolds));
  }
  Thread& thread = current();
  thread.held = true;
  ++state.held;
  block(Why::held, nullptr, until);
  --state.held;
  thread.held = false;
}

void leave_carrier() {
  while (state.runnable == 0) {
    if (turn_is_anothers()) {
      give_turn_away(state.timeline.next());
      continue;
    }
    // The last of them went with its host.
    if (state.added_alive == 0 && state.process_end == nullptr) end_run(Verdict::held, "");
    if (state.timeline.next() > state.options.time_max && state.timeline.next() != kNever) {
      run_out_of_time();
    }
    if (!state.timeline.run_next()) {
      if (in_child()) {
        nothing_can_happen_here();
        continue;
      }
      nothing_can_happen();
    }
    trace::recorder.mix(tagged(Kind::jumped, static_cast<uint64_t>(state.timeline.now())));
  }
  if (forked()) begin_slice();
  switch_to(pick(state.runnable));
}

unsigned waiters(Why why, const void* object, Actor (&found)[kThreadsMax]) {
  unsigned count = 0;
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const Thread& thread = state.threads[id];
    if (thread.state != ThreadState::blocked || thread.why != why || thread.object != object) {
      continue;
    }
    unsigned at = count++;
    for (; at != 0 && state.threads[found[at - 1]].arrival > thread.arrival; --at) {
      found[at] = found[at - 1];
    }
    found[at] = static_cast<Actor>(id);
  }
  return count;
}

unsigned wake_chosen(Actor (&list)[kThreadsMax], unsigned waiting, unsigned count, Site site) {
  unsigned woken = 0;
  while (woken < count && waiting != 0) {
    unsigned chosen = state.choices.choose(site, waiting);
    make_runnable(list[chosen], true);
    for (unsigned i = chosen + 1; i < waiting; ++i) list[i - 1] = list[i];
    --waiting;
    ++woken;
  }
  return woken;
}

uint64_t slow_place(uintptr_t code) { return module_relative(code); }

// --- Life of a run.

void begin_run(const SchedulerOptions& options, Strategy& strategy) {
  reset_run(options, strategy);
}

Actor spawn(std::string name, unsigned host, std::function<void()> body) {
  Actor id = create_thread(name.c_str(), host, run_body, nullptr, true);
  POLLUX_EXPLORE_CHECK(id != kNetwork);
  bodies[id] = std::move(body);
  state.threads[id].argument = &bodies[id];
  state.threads[id].added = true;
  ++state.added_alive;
  return id;
}

void run_to_end() {
  POLLUX_EXPLORE_CHECK(!state.on && state.added_alive != 0);
  begin_carrying();
  Actor first = state.choices.choose_thread(
      site::kPick, std::has_single_bit(state.runnable) ? 0 : state.runnable,
      static_cast<Actor>(std::countr_zero(state.runnable)));
  state.current = first;
  state.choices.set_actor(first);
  recompute_candidates();
  const Context& to = state.contexts[first];
  state.switch_to(&state.driver.stack, to.stack, to.thread_pointer);
  state.on = false;
  shim::pollux_run_carrier = 0;
}

void end_run(Verdict verdict, const std::string& reason) {
  shim::pollux_gate = 0;
  POLLUX_EXPLORE_CHECK(state.on);
  state.verdict = verdict;
  reason_of_end() = reason;
  if (state.process_end != nullptr) {
    state.process_end(verdict, reason);  // does not come back
    shim::raw_system_call(SYS_exit_group, exit_code::kInternal);
  }
  void* abandoned = nullptr;
  state.switch_to(&abandoned, state.driver.stack, state.driver.thread_pointer);
  check_failed("an abandoned thread does not run", __FILE__, __LINE__);
}

bool run_is_on() { return state.on; }
bool is_process_run() { return state.process_end != nullptr && !state.options.real_threads; }

Outcome outcome() { return {state.verdict, reason_of_end(), state.points, state.switches}; }

uint64_t points_so_far() { return state.points; }

void set_quiescence_judge(QuiescenceJudge function) { judge = function; }

void adopt_main_thread(const SchedulerOptions& options, Strategy& strategy, ProcessEnd at_end) {
  reset_run(options, strategy);
  Thread& thread = state.threads[0];
  thread = Thread();
  thread.state = ThreadState::runnable;
  std::snprintf(thread.name, sizeof thread.name, "main");
  state.contexts[0].thread_pointer = shim::thread_pointer();
  state.thread_count = 1;
  state.runnable = bit(0);
  state.process_end = at_end;
  if (state.races) order_created(kNetwork, 0);
  begin_carrying();
  if (SignalSource* source = signal_source()) source->created(kNetwork, 0);
  state.choices.set_actor(0);
  recompute_candidates();
  shim::pollux_gate = shim::thread_pointer();
}

// --- For the twin and the thread objects.

Choices& choices() { return state.choices; }
Timeline& timeline() { return state.timeline; }
Actor current_thread() { return state.choices.actor(); }
unsigned current_host() {
  Actor actor = state.choices.actor();
  return actor < kThreadsMax ? state.threads[actor].host : 0;
}

void name_current_thread(const std::string& name) {
  std::snprintf(current().name, sizeof current().name, "%s", name.c_str());
}

bool block(Why why, const void* object, Time deadline) {
  POLLUX_EXPLORE_CHECK(state.choices.actor() == state.current);
  check_time();
  if (deadline != kNever) touch(kKernelObject);
  if (deadline <= state.timeline.now()) return false;
  Thread& thread = current();
  if (thread.stopped) leave_carrier();
  bool takes_signals = is_thread_object(why);
  thread.interruption = Interruption::none;
  if (takes_signals && signalled()) {
    thread.interruption = take_signals();
    if (thread.interruption != Interruption::none) return true;
  }
  thread.state = ThreadState::blocked;
  thread.unheard = 0;
  thread.why = why;
  thread.object = object;
  thread.interrupted = false;
  thread.arrival = ++state.arrivals;
  ++thread.generation;
  if (deadline != kNever) {
    state.timeline.add(deadline, on_deadline, nullptr, state.current, thread.generation);
  }
  if (trace::recorder.text) trace::line(trace::What::waits, "waits for %s", to_string(why));
  state.runnable &= ~bit(state.current);
  if (why != Why::held) somebody_blocked();
  leave_carrier();
  if (object != nullptr && why != Why::io) touch(object_of(object));
  if (object == nullptr || why == Why::io || deadline != kNever) touch(kKernelObject);
  if (takes_signals && signalled()) thread.interruption = take_signals();
  return thread.woken || thread.interrupted;
}

unsigned wake_all(Why why, const void* object) {
  unsigned count = 0;
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const Thread& thread = state.threads[id];
    if (thread.state != ThreadState::blocked || thread.why != why || thread.object != object) {
      continue;
    }
    make_runnable(static_cast<Actor>(id), true);
    ++count;
  }
  return count;
}

unsigned wake_some(Why why, const void* object, unsigned count, Site site) {
  Actor list[kThreadsMax];
  return wake_chosen(list, waiters(why, object, list), count, site);
}

void yield() {
  check_time();
  touch(kTurnObject);
  trace::recorder.mix(tagged(Kind::call, 1));
  note_yield();
  uint64_t others = state.runnable & ~bit(state.current);
  if (current().no_preempt != 0) return;
  if (others != 0) {
    if (!is_unheard_yield()) yield_to_one_of(others);
  } else {
    note_yield_alone();
    if (current().stopped) leave_carrier();
  }
}

void give_way() {
  uint64_t others = state.runnable & ~bit(state.current);
  if (others == 0 || current().no_preempt != 0) return;
  touch(kTurnObject);
  yield_to_one_of(others);
}

void no_preempt_begin() {
  ++current().no_preempt;
  recompute_candidates();
}

void no_preempt_end() {
  POLLUX_EXPLORE_CHECK(current().no_preempt != 0);
  --current().no_preempt;
  recompute_candidates();
}

unsigned thread_count() { return state.thread_count; }

std::string describe_threads() {
  std::string text;
  for (unsigned id = 0; id < state.thread_count; ++id) {
    const ThreadInfo thread = thread_info(static_cast<Actor>(id));
    if (!thread.alive) continue;
    if (!text.empty()) text += ", ";
    text += thread.name;
    text += thread.waits_for == Why::nothing ? " can run" : " waits for ";
    if (thread.waits_for != Why::nothing) text += to_string(thread.waits_for);
  }
  return text;
}

ThreadInfo thread_info(Actor id) {
  const Thread& thread = state.threads[id];
  bool alive = thread.state == ThreadState::runnable || thread.state == ThreadState::blocked;
  bool waits = thread.state == ThreadState::blocked;
  return {.id = id,
          .host = thread.host,
          .name = thread.name,
          .waits_for = waits ? thread.why : Why::nothing,
          .object = waits ? thread.object : nullptr,
          .alive = alive};
}

}  // namespace pollux::explore
