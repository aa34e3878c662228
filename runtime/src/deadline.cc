// SPDX-License-Identifier: MIT
// Deadlines and close: everything that ends a wait other than readiness.
//
// rd and wd hold the deadlines: 0 none, > 0 when, < 0 passed (then every operation in that
// direction fails until the deadline is changed). Two timers, rt and wt, turn > 0 into < 0. When
// both deadlines are the same instant (SetDeadline), rt alone serves both: "combo".
//
// Stopping a timer does not wait for a callback that has already been taken out of its heap, and by
// the time that callback gets pd.lock, the deadline may have been moved, or pd closed and reused.
// So each arming carries a sequence number (rseq, wseq), every change raises it, and a callback
// with another number does nothing.
//
// All of this happens under pd.lock, in this order: change the fields; publish_info; take waiters
// out of the slots (see poll_desc.cc for why not the other way round); unlock; make them runnable;
// adjust the counter of waiters.
//
// Lock order: pd.lock -> timer_heap::lock_. Callbacks run with no lock held.
#include <algorithm>

#include "src/clock.h"
#include "src/fatal.h"
#include "src/park.h"
#include "src/poll_desc.h"
#include "src/scheduler.h"

namespace netpoll {

namespace {

struct unblocked {
  g* rg = nullptr;
  g* wg = nullptr;
  int32_t delta = 0;
  bool for_fd = true;

  void take(poll_desc& pd, poll_mode m) {
    for_fd = pd.fd >= 0;  // now: once the lock is released, pd may be somebody else's
    (m == poll_mode::read ? rg : wg) = netpoll_unblock(pd, m, false, &delta);
  }
  // Without pd.lock. The counter last: until the goroutines are runnable they count as waiting.
  void release(scheduler& s) {
    if (rg) s.ready(rg);
    if (wg) s.ready(wg);
    if (for_fd) {
      s.add_netpoll_waiters(delta);
    } else {
      s.add_waitable_waiters(delta);
    }
  }
};

void expire(poll_desc& pd, uint64_t seq, bool read, bool write) {
  unblocked u;
  {
    std::lock_guard<std::mutex> hold(pd.lock);
    if (seq != (read ? pd.rseq : pd.wseq)) return;  // moved, cleared, closed or reused since
    if (read && (pd.rd <= 0 || !pd.rrun)) fatal("inconsistent read deadline");
    if (write && (pd.wd <= 0 || (!pd.wrun && !read))) fatal("inconsistent write deadline");
    if (read) pd.rd = -1;
    if (write) pd.wd = -1;
    pd.publish_info();
    if (read) u.take(pd, poll_mode::read);
    if (write) u.take(pd, poll_mode::write);
  }
  u.release(*pd.sched);
}

void read_deadline(void* pd, uint64_t seq) {
  expire(*static_cast<poll_desc*>(pd), seq, true, false);
}
void write_deadline(void* pd, uint64_t seq) {
  expire(*static_cast<poll_desc*>(pd), seq, false, true);
}
void both_deadlines(void* pd, uint64_t seq) {
  expire(*static_cast<poll_desc*>(pd), seq, true, true);
}

// Brings one timer in line. `when` <= 0: not wanted.
void adjust(poll_desc& pd, timer& t, bool& run, uint64_t& seq, int64_t when, bool changed,
            timer::callback fn) {
  if (!run) {
    if (when > 0) {
      pd.sched->timer_arm(t, when, fn, &pd, seq);
      run = true;
    }
  } else if (changed) {
    seq++;
    if (when > 0) {
      pd.sched->timer_arm(t, when, fn, &pd, seq);
    } else {
      pd.sched->timer_stop(t);
      run = false;
    }
  }
}

}  // namespace

void poll_set_deadline(poll_desc& pd, int64_t d, poll_modes modes) {
  unblocked u;
  {
    std::lock_guard<std::mutex> hold(pd.lock);
    if (pd.closing) return;
    const int64_t rd0 = pd.rd;
    const int64_t wd0 = pd.wd;
    const bool combo0 = rd0 > 0 && rd0 == wd0;
    if (d > 0) d = saturating_add(nanotime(), d);
    if (modes != poll_modes::write) pd.rd = d;
    if (modes != poll_modes::read) pd.wd = d;
    pd.publish_info();
    const bool combo = pd.rd > 0 && pd.rd == pd.wd;
    // "combo changed" matters by itself: after SetDeadline(t), SetWriteDeadline(t2) leaves rd as it
    // was, but rt's callback must no longer expire the write side.
    adjust(pd, pd.rt, pd.rrun, pd.rseq, pd.rd, pd.rd != rd0 || combo != combo0,
           combo ? both_deadlines : read_deadline);
    adjust(pd, pd.wt, pd.wrun, pd.wseq, combo ? 0 : pd.wd, pd.wd != wd0 || combo != combo0,
           write_deadline);
    if (pd.rd < 0) u.take(pd, poll_mode::read);
    if (pd.wd < 0) u.take(pd, poll_mode::write);
  }
  u.release(*pd.sched);
}

void poll_unblock(poll_desc& pd) {
  unblocked u;
  {
    std::lock_guard<std::mutex> hold(pd.lock);
    if (pd.closing) fatal("unblock on closing polldesc");
    pd.closing = true;
    pd.rseq++;
    pd.wseq++;
    pd.publish_info();
    u.take(pd, poll_mode::read);
    u.take(pd, poll_mode::write);
    pd.sched->timer_stop(pd.rt);
    pd.sched->timer_stop(pd.wt);
    pd.rrun = pd.wrun = false;
  }
  u.release(*pd.sched);
}

}  // namespace netpoll
