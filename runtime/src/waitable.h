// SPDX-License-Identifier: MIT
// Something to wait for that is not a descriptor, with deadlines and close.
#pragma once

#include "src/poll_desc.h"

namespace netpoll {

// A poll_desc behind which nothing is registered: wake() takes the place of the poller. So the park
// protocol, deadlines and close are those of sockets. One waiter per direction at a time.
//
// Unlike a waiter for a descriptor, a waiter here does not keep the Runtime from reporting a
// deadlock: only another goroutine or a deadline can wake it.
class waitable {
 public:
  explicit waitable(scheduler& s);
  ~waitable();  // nobody waits any more, nobody wakes any more
  waitable(const waitable&) = delete;
  waitable& operator=(const waitable&) = delete;

  // False if the Runtime has no poll_desc left; then nothing else may be called.
  bool ok() const { return pd_ != nullptr; }

  // ok: not closed, and no deadline has passed. Forgets earlier wake-ups.
  poll_result reset(poll_mode mode) { return poll_reset(*pd_, mode); }
  // Until wake, or at once if that came since reset. May return ok without a reason.
  poll_result wait(poll_mode mode) { return poll_wait(*pd_, mode); }
  poll_result check(poll_mode mode) const { return netpoll_check_err(*pd_, mode); }
  void wake(poll_mode mode);  // any thread
  void set_deadline(int64_t from_now, poll_modes modes) {
    poll_set_deadline(*pd_, from_now, modes);
  }
  void close();  // once: waits end, now and later

 private:
  scheduler& sched_;
  poll_desc* const pd_;
  bool closed_ = false;
};

}  // namespace netpoll
