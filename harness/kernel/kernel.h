// SPDX-License-Identifier: MIT
//
// The twin: a simulated Linux kernel for descriptors, sockets, epoll, timers and clocks.
//
// It answers system calls by number, as Linux does. The state of its objects decides what is legal
// now; the run's choices pick within that. Each call costs virtual time, may be preceded by a
// switch to another virtual thread, and is mixed into the run's hash with its result.
//
// Descriptors of the twin live in [kFdBase, kFdBase + kFdCount), one table per host, lowest free
// first; a call on any other descriptor goes to the real kernel. Calls that create descriptors
// always create twin ones.
//
// Threads: on the carrier of the run, gate closed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pollux/network.h"
#include "pollux/shim/backend.h"
#include "pollux/world.h"

namespace pollux::kernel {

inline constexpr int kFdBase = 64;
inline constexpr int kFdCount = 16384;

struct Options {
  NetworkOptions network;
  const NetworkPlan* plan = nullptr;  // until the next reset
  int64_t call_cost_ns;
  int64_t clock_cost_ns;
  uint32_t fd_limit;
  uint64_t calls_max;
  uint32_t spin_returns_max;
};

// A descriptor that is ready and registered, whose event was handed out or never came, while nobody
// acts.
struct StuckDescriptor {
  unsigned host;
  int fd;
  uint32_t ready;        // EPOLL* bits that hold and are asked for
  std::string describe;  // "tcp 127.0.0.1:40000 -> 127.0.0.1:7000, 12 bytes unread"
};

class Kernel final : public shim::SystemCalls {
 public:
  // Everything as after boot: no hosts' descriptors, no sockets, no time spent. Keeps memory for
  // reuse.
  void reset(const Options&);
  // The run is over: what it changed of the real process is undone.
  void finish();

  long system_call(long number, long a0, long a1, long a2, long a3, long a4, long a5) override;

  // Host `number` is a scripted client of host `of`: it sees the loopback of that host, and no
  // failure point fires in its own calls. After reset(), before the host's first call.
  void add_client_host(unsigned number, unsigned of);
  // Did a rule of the network switch it off?
  bool is_off(unsigned number) const;
  // Is the running thread on such a host?
  bool spares_caller() const;

  uint64_t calls() const;
  uint64_t faults() const;

  // --- For the judges.
  // Descriptors open in all hosts, "host 0 fd 66 (eventfd)" each.
  std::vector<std::string> open_descriptors() const;
  std::vector<StuckDescriptor> stuck_descriptors() const;
  // What it would give back to the program, and what may be a pointer: the data of registrations
  // in epoll sets and of timers.
  std::vector<uint64_t> user_words() const;
  // Sockets, pipes and epoll sets, one line each.
  std::string dump() const;
};

// "epoll_wait"; "?" for a number that the twin does not know.
const char* call_name(unsigned long number);
// False: a call with that number ends the run.
bool is_modelled(long number);

// The kernel of this process.
Kernel& kernel();

}  // namespace pollux::kernel
