// SPDX-License-Identifier: MIT
#include "src/waitable.h"

#include "src/park.h"
#include "src/scheduler.h"

namespace netpoll {

namespace {

// As poll_open, without epoll.
poll_desc* open(scheduler& s) {
  poll_desc* pd = s.polls().alloc();
  if (pd) pd->begin_use(-1);
  return pd;
}

}  // namespace

waitable::waitable(scheduler& s) : sched_(s), pd_(open(s)) {}

waitable::~waitable() {
  if (!pd_) return;
  if (!closed_) poll_unblock(*pd_);
  sched_.polls().free(pd_);
}

void waitable::wake(poll_mode mode) {
  int32_t delta = 0;
  if (g* gp = netpoll_unblock(*pd_, mode, true, &delta)) sched_.ready(gp);
  sched_.add_waitable_waiters(delta);  // after the goroutine is runnable
}

void waitable::close() {
  closed_ = true;
  poll_unblock(*pd_);
}

}  // namespace netpoll
