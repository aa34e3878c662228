// SPDX-License-Identifier: MIT
//
// A sequence of system calls over eight slots that hold descriptors, and what each call answered.
//
// The calls never wait, so one thread carries a sequence out; whatever is on its way is given time
// to arrive after each call. A sequence means the same on every kernel: calls name slots, not
// descriptor numbers, and only what Linux determines is part of an answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace conformance {

inline constexpr unsigned kSlots = 8;

enum class Step : uint8_t {
  make_eventfd,
  make_pipe,
  make_unix_pair,
  make_tcp_pair,
  make_udp_pair,
  make_datagram_pair,  // unix
  make_packet_pair,
  make_listener,  // of unix streams or packets, by number
  dial,           // a new socket in `other` connects to the listener in `slot`
  take,           // accept, into `other`
  make_mailbox,   // a unix datagram socket with a name
  associate,      // connects the datagram socket in `slot` to the one in `other`
  dissolve,
  send_to,  // to the datagram socket in `other`
  pass,     // the descriptor in `other` over the unix socket in `slot`
  unpack,   // receives one into `other`
  make_epoll,
  write,
  read,
  peek,
  shut,
  close,
  duplicate,
  poll,
  add,
  modify,
  remove,
  wait,
  bytes_queued,
  take_error,
  peer_name,
  linger,
  count
};

struct Call {
  Step step;
  uint8_t slot;     // < kSlots
  uint8_t other;    // < kSlots: the second of a pair, a place for what is new, what a set watches
  uint32_t number;  // bytes, events or a choice, by step

  friend bool operator==(const Call&, const Call&) = default;
};

using Sequence = std::vector<Call>;

std::string to_string(const Call&);

// Carries the sequence out on the kernel that this thread is on; one line per call. `settle_us` is
// how long what is on its way is given after each call once there are sockets of a network.
std::vector<std::string> answers(const Sequence&, long settle_us);

}  // namespace conformance
