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
  uint8_t slot;   // < kSlots
  uint8_t other;  // < kSlots: the second of a pair, a duplicate's place, what an epoll set watches
  uint32_t number;  // bytes, events or a choice, by step

  friend bool operator==(const Call&, const Call&) = default;
};

using Sequence = std::vector<Call>;

std::string to_string(const Call&);

// Carries the sequence out on the kernel that this thread is on; one line per call. `settle_us` is
// how long what is on its way is given after each call once there are TCP sockets.
std::vector<std::string> answers(const Sequence&, long settle_us);

}  // namespace conformance
