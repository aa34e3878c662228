// SPDX-License-Identifier: MIT
// The wait of one goroutine on one channel, or on all channels of a select.
#pragma once

#include <atomic>

#include "netpoll/channel.h"
#include "src/park.h"

namespace netpoll::detail {

struct channel_wait {
  park_slot slot;
  // A select is in the queues of several channels, whose locks do not order each other. Whoever
  // takes it out of a queue must win this word before it may complete the case.
  std::atomic<bool> select_done{false};
  bool is_select = false;
  channel_waiter* winner = nullptr;  // the case that was completed; written before the wake-up
};

}  // namespace netpoll::detail
