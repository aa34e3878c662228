// SPDX-License-Identifier: MIT
// The park protocol: how a goroutine that got EAGAIN waits for readiness, and how readiness,
// deadlines and close reach it without a lock and without loss.
//
// Each direction has a slot (rg, wg), a binary semaphore with four kinds of value:
//   NIL    nobody waits, nothing is pending
//   READY  a readiness event came; the next wait consumes it and does not park
//   WAIT   a waiter has announced itself and is about to park
//   G      a goroutine is parked; this is its address
//
// Who moves it:
//   NIL -> READY, READY -> READY   the poller: an event while nobody waits
//   READY -> NIL                   the waiter: pending readiness consumed
//   NIL -> WAIT                    the waiter
//   WAIT -> G                      the worker, for the waiter, once its context is saved (commit)
//   WAIT -> READY, G -> READY      the poller; the one that replaces G makes it runnable
//   WAIT -> NIL, G -> NIL          deadline or close; likewise
//   any -> NIL                     the waiter when it is back, taking the answer: READY or not
//   READY -> NIL, NIL -> NIL       reset at the start of an operation, open; no waiter can exist
// Only readiness writes READY. Deadlines and close leave NIL and READY alone: they are seen through
// atomic_info. At most one waiter per direction exists, because the descriptor's read or write lock
// is held around the wait.
//
// Ordering. The waiter stores WAIT and then loads atomic_info; deadline and close store atomic_info
// and then load the slot. One of them must see the other, or the waiter parks for ever. That is the
// store-buffering pattern: nothing weaker than sequential consistency on all four accesses will do,
// so all accesses to slots and atomic_info are seq_cst. Readiness needs no such check, because it
// stays in the slot as READY.
//
// If readiness and a deadline race, readiness wins this wait: the caller retries its system call,
// and the next operation fails in poll_reset.
//
// A wait that neither readiness nor an error ended is legal: a deadline woke the goroutine and was
// then moved before the goroutine ran. poll_wait simply waits again.
#include "src/poll_desc.h"

#include <sys/epoll.h>

#include <cerrno>

#include "src/fatal.h"
#include "src/park.h"
#include "src/scheduler.h"

namespace netpoll {

// The summary word.

void poll_desc::publish_info() {
  uint32_t info = 0;
  if (closing) info |= info_closing;
  if (rd < 0) info |= info_expired_read;
  if (wd < 0) info |= info_expired_write;
  info |= (fdseq.load() << info_fdseq_shift) & info_fdseq_mask;
  uint32_t old = atomic_info.load();
  constexpr uint32_t kept = info_event_err | info_short_read_inconclusive;
  while (!atomic_info.compare_exchange_weak(old, (old & kept) | info)) {
  }
}

void poll_desc::note_event(uint32_t epoll_mask, uint32_t seq) {
  uint32_t old = atomic_info.load();
  for (;;) {
    if ((old ^ seq << info_fdseq_shift) & info_fdseq_mask) return;  // not our event any more
    uint32_t info = old & ~info_event_err;
    if (epoll_mask == EPOLLERR) info |= info_event_err;
    // A socket that reached one of these states makes no further edge for it: data and end of
    // stream in one event, a short read of the data, and then a wait would be a wait for ever.
    if (epoll_mask & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) {
      info |= info_short_read_inconclusive;
    }
    if (info == old || atomic_info.compare_exchange_weak(old, info)) return;
  }
}

void poll_desc::clear_events() {
  atomic_info.fetch_and(~(info_event_err | info_short_read_inconclusive));
}

void poll_desc::next_generation() {
  std::lock_guard<std::mutex> hold(lock);
  uint32_t next = fdseq.load() + 1;
  if (next == 0) next = 1;
  fdseq.store(next);
  publish_info();  // or a late note_event would still find the generation it expects
}

// Open and close.

void poll_desc::begin_use(int for_fd) {
  std::lock_guard<std::mutex> hold(lock);
  const uintptr_t r = rg.load();
  const uintptr_t w = wg.load();
  if (w != pd_nil && w != pd_ready) fatal("blocked write on free polldesc");
  if (r != pd_nil && r != pd_ready) fatal("blocked read on free polldesc");
  fd = for_fd;
  if (fdseq.load() == 0) fdseq.store(1);
  closing = false;
  clear_events();
  rseq++;
  rg.store(pd_nil);
  rd = 0;
  wseq++;
  wg.store(pd_nil);
  wd = 0;
  publish_info();
}

poll_desc* poll_open(scheduler& s, int fd, int* err) {
  poll_desc* pd = s.polls().alloc();
  if (!pd) {
    *err = ENOMEM;
    return nullptr;
  }
  pd->begin_use(fd);
  // Outside the lock: events may arrive before this returns.
  *err = s.poller().open(fd, *pd);
  if (*err != 0) {
    s.polls().free(pd);
    return nullptr;
  }
  return pd;
}

void poll_close(poll_desc* pd) {
  if (!pd->closing) fatal("close polldesc w/o unblock");
  const uintptr_t wg = pd->wg.load();
  const uintptr_t rg = pd->rg.load();
  if (wg != pd_nil && wg != pd_ready) fatal("blocked write on closing polldesc");
  if (rg != pd_nil && rg != pd_ready) fatal("blocked read on closing polldesc");
  scheduler& s = *pd->sched;
  s.poller().close(pd->fd);
  s.polls().free(pd);
}

// Waiting.

poll_result netpoll_check_err(const poll_desc& pd, poll_mode mode) {
  const uint32_t info = pd.atomic_info.load();
  if (info & info_closing) return poll_result::closing;
  const bool read = mode == poll_mode::read;
  if (info & (read ? info_expired_read : info_expired_write)) return poll_result::timeout;
  // Reads only: a write gets a better error from its own system call.
  if (read && (info & info_event_err)) return poll_result::not_pollable;
  return poll_result::ok;
}

poll_result poll_reset(poll_desc& pd, poll_mode mode) {
  const poll_result err = netpoll_check_err(pd, mode);
  if (err != poll_result::ok) return err;
  // Loses no edge: what came before is seen by the system call that follows, and what comes after
  // makes a new edge. That is why this must not be done between EAGAIN and poll_wait.
  pd.slot(mode).store(pd_nil);
  return poll_result::ok;
}

poll_result poll_wait(poll_desc& pd, poll_mode mode) {
  const poll_result err = netpoll_check_err(pd, mode);
  if (err != poll_result::ok) return err;
  while (!netpoll_block(pd, mode)) {
    const poll_result e = netpoll_check_err(pd, mode);
    if (e != poll_result::ok) return e;
  }
  return poll_result::ok;
}

// WAIT -> G, on the worker's stack. From the CAS on, gp may be running elsewhere, and its pd may be
// gone: the callers below read the scheduler before.
static bool put_in_slot(g* gp, void* slot) {
  uintptr_t expected = pd_wait;
  return static_cast<std::atomic<uintptr_t>*>(slot)->compare_exchange_strong(
      expected, reinterpret_cast<uintptr_t>(gp));
}

static bool netpoll_block_commit(g* gp, void* slot) {
  scheduler& s = *gp->sched;
  if (!put_in_slot(gp, slot)) return false;  // readiness, a deadline or close came first
  s.add_netpoll_waiters(1);
  return true;
}

// The same where there is no descriptor: no poll can end this wait, so nobody needs to poll for it,
// and if all goroutines wait like this, that is a deadlock.
static bool waitable_commit(g* gp, void* slot) {
  scheduler& s = *gp->sched;
  if (!put_in_slot(gp, slot)) return false;
  s.add_waitable_waiters(1);
  return true;
}

// Parks until readiness (true), or until a deadline or close (false).
bool netpoll_block(poll_desc& pd, poll_mode mode) {
  std::atomic<uintptr_t>& slot = pd.slot(mode);

  // Announce the wait, or consume readiness that is already there.
  for (;;) {
    uintptr_t v = slot.load();
    if (v == pd_ready) {
      if (slot.compare_exchange_strong(v, pd_nil)) return true;
    } else if (v == pd_nil) {
      if (slot.compare_exchange_strong(v, pd_wait)) break;
    } else {
      fatal("double wait");
    }
  }

  // WAIT is stored; now look again. poll_unblock, poll_set_deadline and the timer callback do the
  // mirror image: store atomic_info, then load the slot.
  if (netpoll_check_err(pd, mode) == poll_result::ok) {
    gopark(pd.fd >= 0 ? netpoll_block_commit : waitable_commit, &slot);
  }

  // One step: a load and a store would lose a READY that lands between them.
  const uintptr_t old = slot.exchange(pd_nil);
  if (old > pd_wait) fatal("corrupted polldesc");
  return old == pd_ready;
}

// Takes the waiter, if there is one, out of the slot. The caller must make the returned goroutine
// runnable, and apply *delta to the scheduler's counter after that.
g* netpoll_unblock(poll_desc& pd, poll_mode mode, bool io_ready, int32_t* delta) {
  std::atomic<uintptr_t>& slot = pd.slot(mode);
  uintptr_t old = slot.load();
  for (;;) {
    if (old == pd_ready) return nullptr;
    if (old == pd_nil && !io_ready) return nullptr;  // seen through atomic_info instead
    // Readiness stays even if nobody waits: the waiter may be between EAGAIN and WAIT.
    if (slot.compare_exchange_strong(old, io_ready ? pd_ready : pd_nil)) break;
  }
  if (old == pd_nil || old == pd_wait) return nullptr;
  *delta -= 1;
  return reinterpret_cast<g*>(old);
}

// An event. Without a lock; the goroutines it takes out of the slots go to the front of `list`.
int32_t netpoll_ready(g_list& list, poll_desc& pd, bool read, bool write) {
  int32_t delta = 0;
  g* rg = read ? netpoll_unblock(pd, poll_mode::read, true, &delta) : nullptr;
  g* wg = write ? netpoll_unblock(pd, poll_mode::write, true, &delta) : nullptr;
  if (rg) list.push_front(rg);
  if (wg) list.push_front(wg);
  return delta;
}

}  // namespace netpoll
