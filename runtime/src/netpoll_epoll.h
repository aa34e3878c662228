// SPDX-License-Identifier: MIT
// The epoll instance of one Runtime, and the eventfd that interrupts it.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/g.h"

namespace netpoll {

class poll_cache;
struct poll_desc;

class netpoller {
 public:
  netpoller();  // aborts if the kernel refuses
  ~netpoller();
  netpoller(const netpoller&) = delete;
  netpoller& operator=(const netpoller&) = delete;

  // Registers fd for both directions, edge-triggered, for as long as it is open. Events may be
  // delivered to pd before this returns. 0 or an errno.
  int open(int fd, poll_desc& pd);
  // Ends the registration. Explicit, because a duplicate of fd would keep it alive.
  void close(int fd);

  // Goroutines that became ready, and what to add to the scheduler's netpoll_waiters after they are
  // on a run queue. Never an empty list with a delta other than 0.
  struct ready_list {
    g_list list;
    int32_t delta = 0;
  };
  // delay < 0: waits until something happens; 0: does not wait; > 0: waits at most so many
  // nanoseconds, rounded down to milliseconds but at least one. May return early with nothing.
  // At most one thread at a time may call with delay != 0.
  ready_list poll(poll_cache& polls, int64_t delay);

  // Makes the poll with delay != 0, now or the next one, return. Any thread.
  void wake();

 private:
  void drain();

  int epfd_ = -1;
  int eventfd_ = -1;
  // 1 from a wake() that writes to the eventfd until a poll has drained it: one write per poll.
  std::atomic<uint32_t> wake_sig_{0};
};

}  // namespace netpoll
