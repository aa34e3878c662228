// SPDX-License-Identifier: MIT
//
// The one kernel of this process: its options, hosts and counters, as the files of the twin share
// them.
#pragma once

#include <cstdint>

#include "explore/scheduler.h"
#include "kernel/kernel.h"

namespace pollux::kernel {

using explore::kNever;
using explore::Time;

inline constexpr unsigned kHosts = 64;
inline constexpr unsigned kDelays = 8;
// Virtual thread ids; out of the way of real ones.
inline constexpr long kFirstTid = 4'000'000;

struct Host;

struct State {
  Options options{};
  explore::Timeline* timeline = nullptr;
  uint64_t calls = 0;
  uint64_t faults = 0;
  uint32_t spin_returns = 0;  // returns of epoll_wait and poll since something was achieved
  Time last_spin = 0;         // when the last of them was
  Time delays[kDelays] = {};
  uint64_t random_requests = 0;
  long first_tid = kFirstTid;  // thread 0 of this process has it
  bool forked = false;         // there is, or was, more than one process
};

extern State state;

inline Time now() { return state.timeline->now(); }

// A one-way latency of the network. Outcome 0 is the base.
inline Time network_delay() { return state.delays[explore::choose(site::kNetDelay, kDelays)]; }

// Something was achieved: whoever polls is not spinning.
inline void progress() { state.spin_returns = 0; }

// A call of the program that the twin does not model: ends the run with this name.
[[noreturn]] void unmodelled(const char* what);

}  // namespace pollux::kernel
