// SPDX-License-Identifier: MIT
//
// An echo server that gives every read and write a deadline, as its users would write it with each
// library. It is told what to do and tells what it met; it returns when no connection has come for
// `idle` and all of them have ended.
#pragma once

#include <chrono>
#include <cstdint>

namespace pollux::properties {

struct NetworkServer {
  using Clock = std::chrono::steady_clock;

  uint16_t port;
  std::chrono::milliseconds deadline;
  std::chrono::milliseconds idle;
  // A bug: it waits without a deadline and without keep-alive, so nothing ends a read whose peer is
  // gone in silence.
  bool forgets_deadline;

  void* context;
  // The deadline that was due at `due` ended a read or a write at `came`.
  void (*deadline_came)(void* context, Clock::time_point due, Clock::time_point came);
  // A read or a write failed with this errno.
  void (*failed)(void* context, int error);
};

}  // namespace pollux::properties

extern "C" {
void pollux_network_server_netpoll(const pollux::properties::NetworkServer*);
void pollux_network_server_asio(const pollux::properties::NetworkServer*);
}
