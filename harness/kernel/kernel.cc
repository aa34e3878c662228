// SPDX-License-Identifier: MIT
//
// The door of the twin: which call goes where, what every call costs, and what of it is recorded.
#include "kernel/kernel.h"

#include <algorithm>
#include <cstdio>

#include "kernel/calls.h"
#include "kernel/epoll.h"
#include "kernel/fault_points.h"
#include "kernel/host.h"
#include "kernel/links.h"
#include "kernel/misuse.h"
#include "kernel/pools.h"
#include "kernel/proc_files.h"
#include "kernel/processes.h"
#include "kernel/signals.h"
#include "kernel/state.h"
#include "pollux/shim/raw_system_call.h"
#include "trace/recorder.h"

namespace pollux::kernel {

using trace::What;

explore::NeverDestroyed<Pools> pools_storage;

void Pools::reset() {
  epoll_sets.reset();
  epoll_items.reset();
  tcp_sockets.reset();
  streams.reset();
  udp_sockets.reset();
  datagrams.reset();
  eventfds.reset();
  timerfds.reset();
  signalfds.reset();
  pipes.reset();
  pipe_ends.reset();
  unix_streams.reset();
  unix_packet_sockets.reset();
  unix_messages.reset();
  devices.reset();
}

bool fault_happens(faults::PointId point) {
  if (!faults::fails(point)) return false;
  ++state.faults;
  trace::recorder.mix(0xFA000000ull + point);
  trace::recorder.step();
  if (trace::recorder.text) {
    trace::line(What::fault, "fault %s", std::string(faults::points()[point].name).c_str());
  }
  return true;
}

// A loop that polls burns a call's worth of time for each turn. Between polls that are further
// apart the program waited, or its thread was held up: a monitor that looks every 10 ms does not
// spin.
constexpr Time kApart = 100'000;
// After so many it is somebody else's turn: a thread that can run and would make progress must not
// be starved until the loop looks like one without end.
constexpr uint64_t kTurn = 64;

void count_spin(const char* call, bool something_ready) {
  if (explore::is_anybody_held_up()) return;  // who is may have what the others look for
  if (now() - state.last_spin >= kApart) progress();
  state.last_spin = now();
  if (__builtin_expect(++state.spin_returns <= state.options.spin_returns_max, 1)) {
    if (state.spin_returns % kTurn == 0) explore::give_way();
    return;
  }
  std::string reason = std::to_string(state.spin_returns) + " returns of " + call +
                       " without progress; the last " +
                       (something_ready ? "with something ready" : "with nothing ready");
  explore::end_run(Verdict::busy_spin, reason);
}

namespace {

void trace_call(const Call& call, const Arguments& a, long result) {
  if (call.route == Route::by_fd) trace::concerns(a.integer(0));
  if (call.handler == call_epoll_ctl) trace::concerns(a.integer(2));
  if (result >= kFdBase && call.makes_fd) trace::concerns(static_cast<int>(result));
  char head[64];
  if (call.route == Route::by_fd) {
    std::snprintf(head, sizeof head, "%s(%d)", call.name, a.integer(0));
  } else {
    std::snprintf(head, sizeof head, "%s()", call.name);
  }
  const char* name =
      result < 0 && result > -4096 ? strerrorname_np(static_cast<int>(-result)) : nullptr;
  if (result == explore::kRestart) name = "ERESTARTSYS";
  if (name != nullptr) {
    trace::line(What::call, "%s = %s", head, name);
  } else if (result > 0 && (call.handler == call_epoll_wait || call.handler == call_epoll_pwait ||
                            call.handler == call_epoll_pwait2)) {
    trace::line(What::call, "%s = %ld [%s]", head, result, last_harvest().c_str());
  } else if (call.handler == call_epoll_ctl) {
    static constexpr const char* kOperations[] = {"?", "ADD", "DEL", "MOD"};
    unsigned operation = a[1] >= 1 && a[1] <= 3 ? static_cast<unsigned>(a[1]) : 0;
    trace::line(What::call, "%s %s %d = %ld", head, kOperations[operation], a.integer(2), result);
  } else {
    trace::line(What::call, "%s = %ld", head, result);
  }
}

// A call that succeeded: did it change anything? Moving no bytes, and re-arming what is armed, is
// what a spinning loop does.
void note_progress(const Call& call, const Arguments& a, long result) {
  if (call.handler == call_epoll_ctl) {
    if (a.integer(1) != EPOLL_CTL_MOD) progress();
  } else if (!call.is_transfer || result > 0) {
    progress();
  }
}

void stop_at_call_limit() {
  explore::end_run(Verdict::step_limit,
                   "more than " + std::to_string(state.options.calls_max) + " system calls");
}

void record(long number, const Call& call, const Arguments& a, long result) {
  if (call.is_progress && result >= 0) note_progress(call, a, result);
  // Only a descriptor of the twin may be hashed: other first arguments are addresses as well.
  uint64_t fd = call.route == Route::by_fd ? static_cast<uint32_t>(a[0]) : 0;
  trace::Recorder& recorder = trace::recorder;
  // One word for what and when: each mixing waits for the one before it.
  const uint64_t when = static_cast<uint64_t>(state.timeline->now()) * 0xD6E8FEB86659FD93ull;
  recorder.mix((static_cast<uint64_t>(number) << 48 ^ fd << 32 ^ static_cast<uint64_t>(result)) +
               when);
  if (__builtin_expect(recorder.text, 0)) trace_call(call, a, result);
  recorder.step();
}

bool is_misuse(long result) {
  return result == -EBADF || result == -EFAULT || result == -EINVAL || result == -EMSGSIZE;
}

long ask_twin(long number, const Call& call, const Arguments& a) {
  if (__builtin_expect(++state.calls > state.options.calls_max, 0)) stop_at_call_limit();
  explore::call_point(static_cast<uint64_t>(number));
  state.timeline->spend(state.options.call_cost_ns);
  if (explore::signalled()) take_signals_before_call();
  for (;;) {
    long result = call.handler(a);
    record(number, call, a, result);
    if (__builtin_expect(is_misuse(result), 0)) judge_failed_call(call, a, -result);
    if (__builtin_expect(!explore::signalled(), 1)) return result;
    if (!take_signals_after_call(&result)) return result;
  }
}

long ask_clock(const Call& call, const Arguments& a) {
  if (__builtin_expect(++state.calls > state.options.calls_max, 0)) stop_at_call_limit();
  state.timeline->spend(state.options.clock_cost_ns);
  return call.handler(a);
}

[[noreturn]] void stop_unmodelled(long number, const char* name) {
  unmodelled(name != nullptr ? name : ("system call " + std::to_string(number)).c_str());
}

}  // namespace

void Kernel::reset(const Options& options) {
  reset_hosts();
  pools.reset();
  state.options = options;
  state.timeline = &explore::timeline();
  state.calls = state.faults = 0;
  state.spin_returns = 0;
  state.last_spin = 0;
  state.random_requests = 0;
  reset_signals();
  reset_processes();
  // Doubling steps from the least to the greatest latency.
  Time least = options.network.latency_min_ns;
  Time span = std::max<Time>(0, options.network.latency_max_ns - least);
  state.delays[0] = least;
  links.reset(options.plan);
  for (unsigned i = 1; i < kDelays; ++i) state.delays[i] = least + (span >> (kDelays - 1 - i));
}

void Kernel::finish() { give_back_real_actions(); }
void Kernel::add_client_host(unsigned number, unsigned of) {
  Host& client = host(number);
  client.loopback = of;
  client.spared = true;
  client.ports.start_ephemeral(number);
}

bool Kernel::is_off(unsigned number) const { return links.is_down(number); }

bool Kernel::spares_caller() const { return current().spared; }

uint64_t Kernel::calls() const { return state.calls; }
uint64_t Kernel::faults() const { return state.faults; }

long Kernel::system_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) {
  if (static_cast<unsigned long>(number) >= kCallNumbers) stop_unmodelled(number, nullptr);
  const Call& call = call_table[number];
  const Arguments arguments{{a0, a1, a2, a3, a4, a5}};
  switch (call.route) {
    case Route::by_fd:
      if (is_twin_fd(a0)) return ask_twin(number, call, arguments);
      if (static_cast<int>(a0) < 0) judge_negative_descriptor(call, arguments);
      break;
    case Route::by_fds:
      if (is_twin_fd(a0) || is_twin_fd(call.second_fd == 1 ? a1 : a2)) {
        return ask_twin(number, call, arguments);
      }
      break;
    case Route::twin:
      return ask_twin(number, call, arguments);
    case Route::clock:
      return ask_clock(call, arguments);
    case Route::by_path:
      if (names_twin(number, arguments)) return ask_twin(number, call, arguments);
      if (auto answer = answer_from_proc(number, arguments)) return *answer;
      break;
    case Route::foreign_fd:
      if (is_twin_fd(a0)) stop_unmodelled(number, call.name);
      break;
    case Route::raw:
      break;
    case Route::unmodelled:
      stop_unmodelled(number, call.name);
  }
  return shim::raw_system_call(number, a0, a1, a2, a3, a4, a5);
}

const char* call_name(unsigned long number) {
  const char* name = number < kCallNumbers ? call_table[number].name : nullptr;
  return name != nullptr ? name : "?";
}

Kernel& kernel() {
  static Kernel instance;
  return instance;
}

}  // namespace pollux::kernel
