// SPDX-License-Identifier: MIT
//
// From the first instruction of a virtual thread to its last: creation on a donor, the start
// function, pthread_exit, destructors of thread_local objects, destructors of keys, joining.
//
// The order at the end is glibc's (nptl/pthread_create.c, start_thread): thread_local objects,
// then keys, then the thread counts as ended for who joins it. All of that is program code and runs
// with the gate open and may be preempted.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "explore/check.h"
#include "explore/happens_before.h"
#include "explore/lock_order.h"
#include "explore/modules.h"
#include "explore/program_heap.h"
#include "explore/state.h"
#include "explore/thread_objects_impl.h"
#include "explore/tracked_heap.h"
#include "pollux/shim/keys.h"

namespace pollux::explore {
namespace {

// Threads that the harness added are not the program's.
bool anybody_is_left() {
  for (unsigned id = 0; id < state.thread_count; ++id) {
    ThreadState is = state.threads[id].state;
    bool alive = is == ThreadState::runnable || is == ThreadState::blocked;
    if (alive && !state.threads[id].added) return true;
  }
  return false;
}

// In process mode the main thread may end before the others: the process ends with its last
// thread (pthread_exit(3)).
void exit_with_last_thread() {
  if (state.process_end == nullptr || anybody_is_left()) return;
  Thread& thread = current();
  thread.state = ThreadState::runnable;  // while the exit handlers run
  state.runnable |= bit(state.current);
  recompute_candidates();
  ProgramScope scope;
  std::exit(0);
}

[[noreturn]] void finish() {
  own_point(tagged(Kind::thread_end, 0));
  if (current().stopped) leave_carrier();
  Actor id = state.current;
  if (SignalSource* source = signal_source()) source->ended(id);
  Thread& thread = current();
  thread.state = ThreadState::done;
  thread.no_preempt = 0;
  state.runnable &= ~bit(id);
  if (trace::recorder.text) trace::line(trace::What::note, "ends");
  wake_all(Why::join, &thread);
  if (thread.added && --state.added_alive == 0 && state.process_end == nullptr) {
    end_run(Verdict::held, "");
  }
  exit_with_last_thread();
  // The slot may be free from here on although the stack is still in use: create_thread() passes
  // over it until leave_carrier() has left it.
  if (thread.detached) free_thread(id);
  leave_carrier();
  check_failed("a thread that ended does not run", __FILE__, __LINE__);
}

__attribute__((noinline)) void call_start(Thread& thread) {
  thread.base_frame = __builtin_dwarf_cfa();
  ProgramScope scope;
  thread.result = thread.start(thread.argument);
}

// An exception that leaves a thread's start function ends the program, as in libc. pthread_exit
// lands here, before that rule would be applied to it.
void run_program(Thread& thread) noexcept {
  std::jmp_buf base;
  thread.base = &base;
  if (_setjmp(base) == 0) call_start(thread);
  thread.base = nullptr;
}

void run_destructors(Thread& thread) noexcept {
  ProgramScope scope;
  while (!thread.destructors.empty()) {
    Thread::Destructor destructor = thread.destructors.back();
    thread.destructors.pop_back();
    destructor.function(destructor.object);
  }
  shim::run_key_destructors();
}

void thread_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  if (has_dynamic_tls()) reset_own_dynamic_tls();
  if (thread.abandoned) {
    thread.abandoned = false;
    shim::forget_key_values();
  }
  own_point(tagged(Kind::thread_start, 0));
  run_program(thread);
  run_destructors(thread);
  finish();
}

_Unwind_Reason_Code stop_at_base(int, _Unwind_Action actions, _Unwind_Exception_Class,
                                 _Unwind_Exception*, _Unwind_Context* context, void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  // For the frame of run_program this is its stack pointer, which is the frame address of what it
  // called.
  auto base = reinterpret_cast<uintptr_t>(thread.base_frame);
  if ((actions & _UA_END_OF_STACK) != 0 || _Unwind_GetCFA(context) >= base) {
    shim::pollux_gate = 0;
    _longjmp(*thread.base, 1);
  }
  return _URC_NO_REASON;
}

// catch (...) without a rethrow: glibc ends the program there, too (nptl/unwind.c).
void swallowed(_Unwind_Reason_Code, _Unwind_Exception*) {
  std::fputs("FATAL: exception not rethrown (pthread_exit was caught)\n", stderr);
  std::abort();
}

}  // namespace

Actor create_thread(const char* name, unsigned host, void* (*start)(void*), void* argument,
                    bool detached) {
  Actor id = 0;
  // One that ended, or whose host went down, is on its stack until another one is current.
  auto is_taken = [](Actor slot) {
    return state.threads[slot].state != ThreadState::free || (state.on && slot == state.current);
  };
  while (id < kNobody && is_taken(id)) ++id;
  if (id == kNobody) return kNetwork;
  Donor* with = donor(id);
  if (with == nullptr) return kNetwork;
  reset_donor(*with);

  Thread& thread = state.threads[id];
  thread.state = ThreadState::runnable;
  thread.why = Why::nothing;
  thread.detached = detached;
  thread.added = false;
  thread.held = thread.stopped = false;
  signalled_threads &= ~bit(id);
  thread.no_preempt = 0;
  thread.unheard = 0;
  forget_locks_of(id);
  thread.interrupted = false;
  thread.object = nullptr;
  thread.host = host;
  thread.donor = with;
  thread.start = start;
  thread.argument = argument;
  thread.result = nullptr;
  thread.base = nullptr;
  thread.destructors.clear();
  if (name != nullptr) {
    size_t size = std::strlen(name);
    if (size >= sizeof thread.name) size = sizeof thread.name - 1;
    std::memcpy(thread.name, name, size);
    thread.name[size] = '\0';
  } else {
    char digits[2] = {static_cast<char>('0' + id / 10), static_cast<char>('0' + id % 10)};
    char* at = thread.name;
    *at++ = 't';
    if (id >= 10) *at++ = digits[0];
    *at++ = digits[1];
    *at = '\0';
  }
  state.contexts[id] = {make_context(with->top, thread_main, &thread), with->thread_pointer};
  if (id >= state.thread_count) state.thread_count = id + 1u;
  state.runnable |= bit(id);
  // What time creates nobody does.
  Actor creator = state.on && state.choices.actor() != kNetwork ? state.current : kNetwork;
  if (SignalSource* source = signal_source()) source->created(creator, id);
  if (state.observer != nullptr) state.observer->created(creator, id);
  if (state.races) order_created(creator, id);
  recompute_candidates();
  return id;
}

void free_thread(Actor id) { state.threads[id].state = ThreadState::free; }

unsigned stop_threads_of(unsigned host) {
  unsigned added = 0;
  for (unsigned id = 0; id < state.thread_count; ++id) {
    Thread& thread = state.threads[id];
    bool alive = thread.state == ThreadState::runnable || thread.state == ThreadState::blocked;
    if (!alive || thread.host != host) continue;
    state.held -= thread.held;
    if (SignalSource* source = signal_source()) source->ended(static_cast<Actor>(id));
    thread.state = ThreadState::free;
    thread.stopped = thread.abandoned = true;
    thread.destructors.clear();
    ++thread.generation;
    added += thread.added;
    state.runnable &= ~bit(static_cast<Actor>(id));
    // One that runs looks at this bit before it does anything more.
    if (id == state.current) signalled_threads |= bit(state.current);
    if (trace::recorder.text)
      trace::line(trace::What::turn, "%s is gone with its host", thread.name);
  }
  if (tracks_memory) program_heap.forget_blocks_of(host);
  recompute_candidates();
  return added;
}

void wait_for_fewer(unsigned stopped) { state.added_alive -= stopped; }

namespace {

void end_main_thread() {
  // Its destructors are libc's business and run when the process exits.
  if (SignalSource* source = signal_source()) source->ended(state.current);
  Thread& thread = current();
  thread.state = ThreadState::done;
  state.runnable &= ~bit(state.current);
  wake_all(Why::join, &thread);
  exit_with_last_thread();
  leave_carrier();
}

}  // namespace

void ThreadObjects::exit(void* result) {
  Thread& thread = current();
  thread.result = result;
  if (thread.donor == nullptr) {
    end_main_thread();
    check_failed("a thread that ended does not run", __FILE__, __LINE__);
  }
  POLLUX_EXPLORE_CHECK(thread.base != nullptr);
  std::memset(&thread.exit_exception, 0, sizeof thread.exit_exception);
  thread.exit_exception.exception_cleanup = swallowed;
  // The frames on the way close and open the gate by themselves, as their scopes end.
  _Unwind_ForcedUnwind(&thread.exit_exception, stop_at_base, &thread);
  std::abort();
}

}  // namespace pollux::explore
