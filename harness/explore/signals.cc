// SPDX-License-Identifier: MIT
#include "explore/signals.h"

#include "explore/state.h"

namespace pollux::explore {

constinit uint64_t signalled_threads = 0;

namespace {

constinit SignalSource* source = nullptr;

}  // namespace

void set_signal_source(SignalSource* with) { source = with; }
SignalSource* signal_source() { return source; }

bool current_is_signalled() {
  // Its host went down while it ran: here it ends, unless it holds a lock of libc.
  if (current().stopped && current().no_preempt == 0) leave_carrier();
  return (signalled_threads & bit(state.current)) != 0;
}

bool signal_pending() { return signalled() && source != nullptr && source->pending(); }

void interrupt(Actor id) {
  signalled_threads |= bit(id);
  Thread& thread = state.threads[id];
  // One that is held up does not wait for anything: it is only slow.
  if (thread.state != ThreadState::blocked || thread.why == Why::held) return;
  make_runnable(id, false);
  thread.interrupted = true;
}

void calm(Actor id) { signalled_threads &= ~bit(id); }

Interruption last_interruption() { return current().interruption; }

bool is_thread_object(Why why) {
  return why != Why::nothing && why < Why::sleep && why != Why::futex;
}

// A lock of libc is held in a section without preemption: its handlers wait for the end of it.
Interruption take_signals() {
  if (!signal_pending() || current().no_preempt != 0) return Interruption::none;
  touch(kKernelObject);
  return source->take();
}

}  // namespace pollux::explore
