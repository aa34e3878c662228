// SPDX-License-Identifier: MIT
// How a worker finds its next goroutine, and what it does when there is none.
//
// The search: own timers, own queue, global queue, a poll that does not block (only where there is
// something else to do instead: with one worker it would be the blocking poll twice), other
// workers' queues and timers. A worker that looks at other workers is "spinning" and counted in
// nmspinning_. If all that fails the worker goes on the idle list, and blocks: one of the idle
// workers in epoll_wait, until the earliest timer of all heaps, the others on their notes.
//
// No work is lost. Whoever makes work visible (a queue, a timer heap's earliest time) then calls
// wakep (wake_net_poller for timers), which wakes an idle worker unless one is spinning. Whoever
// gives up spinning first decrements nmspinning_ and then looks at all queues and heaps once more.
// Both sides store first and load second, all seq_cst, so one of them sees the other:
//   - wakep sees nmspinning_ > 0: that worker has yet to take its last look, and will see the work;
//   - wakep sees nmspinning_ == 0: it takes a worker from the idle list. If the list is empty it
//     sets need_spinning_ under lock_; a worker that goes idle without having spun looks at that
//     under the same lock, and one that has spun takes its last look after it is on the list.
//
// The token of the blocking poll is last_poll_: whoever swaps it from nonzero to 0 polls, and
// stores the time again afterwards, after poll_until_ = 0, so that wake_net_poller never trusts an
// old target. At any time, if goroutines wait for I/O, then some worker runs, or some worker is in
// or entering the blocking poll, or sysmon polls within 10 ms.
//
// A worker leaves the idle list in one of two ways, both under lock_: it takes itself off
// (leave_idle), or a waker does (idle_pop) and then owes it exactly one note::wake(). The waker
// cannot know whether the worker sleeps on its note or in epoll_wait: it sets the note, then looks
// at `polling` and breaks the poll if that is set; the worker sets `polling`, then looks at its
// note and skips the poll if that is set. Store-then-load on both sides, seq_cst.
#include "src/clock.h"
#include "src/fatal.h"
#include "src/scheduler.h"

namespace netpoll {

namespace {
// Every so many goroutines run, look at the global queue first, or two goroutines that keep
// readying each other would starve it.
constexpr uint32_t global_queue_period = 61;
// Every so many, poll although there is other work: so that I/O does not depend on sysmon alone.
constexpr uint32_t poll_period = 16 * global_queue_period;
constexpr int steal_rounds = 4;
}  // namespace

g* scheduler::find_runnable(worker& w) {
  for (;;) {
    if (done_.load()) return nullptr;
    if (w.spinning && !w.queue.empty()) fatal("schedule: spinning with local work");
    if (g* gp = look_local(w)) return gp;
    if (workers_.size() > 1) {
      if (g* gp = poll_now(w)) return gp;
      // Not more than half as many searchers as busy workers: the search costs everybody.
      const int32_t busy = static_cast<int32_t>(workers_.size() - npidle_.load());
      if (w.spinning || 2 * nmspinning_.load() < busy) {
        if (!w.spinning) become_spinning(w);
        if (g* gp = steal(w)) return gp;
      }
    }
    g* gp = nullptr;
    const bool was_spinning = w.spinning;
    if (!go_idle(w, &gp)) {
      if (gp) return gp;
      continue;
    }
    gp = block(w, was_spinning);
    if (gp) return gp;
  }
}

// Own timers, own queue, global queue.
g* scheduler::look_local(worker& w) {
  const int64_t due = w.timers.earliest();
  if (due != 0) {
    const int64_t now = w.clock = nanotime();
    if (now >= due) w.timers.run(now);
  }
  if (w.tick % global_queue_period == 0) {
    if (w.tick % poll_period == 0 || is_own_monitor_due()) {
      if (g* gp = poll_now(w)) return gp;
    }
    if (g* gp = global_get(w)) return gp;
  }
  if (g* gp = w.queue.get()) return gp;
  return global_get(w);
}

// The only worker has no sysmon beside it: that could find work, but nobody to run it.
bool scheduler::is_own_monitor_due() {
  if (workers_.size() > 1 || !options_.sysmon) return false;
  const int64_t now = nanotime();
  if (now - last_poll_.load() <= sysmon_period) return false;
  last_poll_.store(now);  // not 0 now: only this worker polls
  return true;
}

// A poll that does not block, if goroutines wait for I/O and nobody else polls.
g* scheduler::poll_now(worker& w) {
  if (netpoll_waiters_.load() == 0 || last_poll_.load() == 0) return nullptr;
  if (polling_net_.exchange(1) != 0) return nullptr;
  netpoller::ready_list r = poller_.poll(polls_, 0);
  polling_net_.store(0);
  return take_ready(w, std::move(r));
}

// What a poll of w's found: one goroutine for w to run at once, the others into queues.
g* scheduler::take_ready(worker& w, netpoller::ready_list r) {
  g* gp = r.list.pop_front();
  if (gp) make_runnable(gp);
  if (gp && r.list.empty()) {
    add_netpoll_waiters(r.delta);
  } else {
    inject(std::move(r.list), &w, r.delta);
  }
  return gp;
}

// Other workers' queues, and in the last round their timers and the goroutines they want to run
// next.
g* scheduler::steal(worker& w) {
  const uint32_t n = static_cast<uint32_t>(workers_.size());
  for (int round = 0; round < steal_rounds; round++) {
    const bool last = round == steal_rounds - 1;
    const uint32_t start = w.next_random() % n;
    for (uint32_t i = 0; i < n; i++) {
      worker& victim = *workers_[(start + i) % n];
      if (&victim == &w) continue;
      if (last) {
        const int64_t due = victim.timers.earliest();
        if (due != 0) {
          const int64_t now = nanotime();
          if (now >= due && victim.timers.run(now) > 0) {
            if (g* gp = w.queue.get()) return gp;
          }
        }
      }
      if (g* gp = w.queue.steal_from(victim.queue, last)) return gp;
    }
  }
  return nullptr;
}

void scheduler::become_spinning(worker& w) {
  w.spinning = true;
  nmspinning_.fetch_add(1);
  need_spinning_.store(false);
}

// A spinning worker has found work. If it was the last, somebody else must look in its place,
// because wakers relied on it.
void scheduler::stop_spinning(worker& w) {
  w.spinning = false;
  if (nmspinning_.fetch_sub(1) <= 0) fatal("findRunnable: negative nmspinning");
  wakep();
}

// Puts w on the idle list. Returns false, not idle, if there is something to do: *found, or a new
// search. Otherwise w does not spin any more.
bool scheduler::go_idle(worker& w, g** found) {
  {
    std::lock_guard<std::mutex> hold(lock_);
    if (done_.load()) return false;
    if ((*found = global_queue_.pop_front())) {
      global_size_.store(global_queue_.size());
      return false;
    }
    if (!w.spinning && need_spinning_.load()) {
      become_spinning(w);
      return false;
    }
    if (!w.queue.empty()) fatal("schedule: going idle with local work");
    w.idle = true;
    idle_.push_back(&w);
    npidle_.store(static_cast<uint32_t>(idle_.size()));
    if (!w.spinning) return true;
    // Still under the lock: once w is on the list, a waker may set w.spinning.
    w.spinning = false;
  }
  if (nmspinning_.fetch_sub(1) <= 0) fatal("findRunnable: negative nmspinning");
  // The last look, after the decrement: what became visible before a waker saw us spinning.
  if (!work_visible()) return true;
  if (leave_idle(w)) become_spinning(w);
  return false;
}

bool scheduler::work_visible() const {
  if (global_size_.load() != 0) return true;
  for (const auto& w : workers_) {
    if (!w->queue.empty()) return true;
  }
  return false;
}

// Takes w off the idle list. False if a waker has done so: then w has been handed what the waker
// wanted it to be (spinning or not).
bool scheduler::leave_idle(worker& w) {
  bool self;
  {
    std::lock_guard<std::mutex> hold(lock_);
    self = w.idle;
    if (self) {
      w.idle = false;
      std::erase(idle_, &w);
      idle_exits_.fetch_add(1, std::memory_order_relaxed);  // a hint for sysmon
      npidle_.store(static_cast<uint32_t>(idle_.size()));
    }
  }
  if (!self) {
    w.wakeup.sleep();  // the waker sets it right after taking w off: not a real wait
    w.wakeup.clear();
  }
  sysmon_note_activity();
  return self;
}

// On the idle list and out of work: poll or sleep. Returns a goroutine, or null to search again.
g* scheduler::block(worker& w, bool was_spinning) {
  const int64_t until = earliest_timer();
  if (netpoll_waiters_.load() != 0 || until != 0) {
    if (last_poll_.exchange(0) != 0) return poll_blocking(w, until, was_spinning);
    // Somebody else polls. Only if it would oversleep our timer must it come back and look.
    const int64_t target = poll_until_.load();
    if (until != 0 && (target == 0 || target > until)) poller_.wake();
  }
  check_dead();
  w.wakeup.sleep();
  leave_idle(w);
  return nullptr;
}

// w holds the token.
g* scheduler::poll_blocking(worker& w, int64_t until, bool was_spinning) {
  if (w.current) fatal("findRunnable: netpoll with a goroutine");
  poll_until_.store(until);
  int64_t delay = -1;
  if (until != 0) {
    delay = until - nanotime();
    if (delay < 0) delay = 0;
  }
  w.polling.store(true);
  netpoller::ready_list r =
      w.wakeup.is_set() ? netpoller::ready_list{} : poller_.poll(polls_, delay);
  w.polling.store(false);
  poll_until_.store(0);
  w.clock = nanotime();
  last_poll_.store(w.clock);  // after poll_until_: its readers look at last_poll_ first
  if (leave_idle(w) && was_spinning && r.list.empty()) become_spinning(w);
  return take_ready(w, std::move(r));
}

// When the first timer of all heaps is due; 0 if there is none.
int64_t scheduler::earliest_timer() const {
  int64_t first = 0;
  for (const auto& w : workers_) {
    const int64_t t = w->timers.earliest();
    if (t != 0 && (first == 0 || t < first)) first = t;
  }
  return first;
}

// Takes a worker off the idle list, preferably one that does not poll; null if there is none. The
// caller holds lock_ and must call wake_worker after releasing it.
worker* scheduler::idle_pop(bool spinning) {
  if (idle_.empty()) return nullptr;
  size_t at = idle_.size() - 1;
  for (size_t i = idle_.size(); i-- > 0;) {
    if (!idle_[i]->polling.load()) {
      at = i;
      break;
    }
  }
  worker* w = idle_[at];
  idle_.erase(idle_.begin() + static_cast<ptrdiff_t>(at));
  idle_exits_.fetch_add(1, std::memory_order_relaxed);  // a hint for sysmon
  npidle_.store(static_cast<uint32_t>(idle_.size()));
  w->idle = false;
  w->spinning = spinning;
  return w;
}

void scheduler::wake_worker(worker& w) {
  w.wakeup.wake();
  if (w.polling.load()) poller_.wake();
}

void scheduler::wakep() {
  // The caller is the only worker: it will look for work itself.
  if (workers_.size() == 1 && own_worker()) return;
  // Nobody idle, and whoever idles next has been told to look: skip the lock.
  if (need_spinning_.load() && npidle_.load() == 0) return;
  int32_t none = 0;
  if (nmspinning_.load() != 0 || !nmspinning_.compare_exchange_strong(none, 1)) return;
  worker* w;
  {
    std::lock_guard<std::mutex> hold(lock_);
    w = idle_pop(true);
    if (!w) {
      need_spinning_.store(true);
      if (nmspinning_.fetch_sub(1) <= 0) fatal("wakep: negative nmspinning");
    }
  }
  if (w) wake_worker(*w);
}

// Wakes up to n idle workers for work in the global queue.
void scheduler::start_idle(uint32_t n) {
  for (; n > 0; n--) {
    worker* w;
    {
      std::lock_guard<std::mutex> hold(lock_);
      w = idle_pop(false);
      if (!w) need_spinning_.store(true);
    }
    if (!w) return;
    wake_worker(*w);
  }
}

void scheduler::wake_net_poller(int64_t when) {
  if (last_poll_.load() == 0) {
    // In or entering the blocking poll. An old poll_until_ of 0 costs a needless wake-up, never a
    // missed one.
    const int64_t until = poll_until_.load();
    if (until == 0 || until > when) poller_.wake();
  } else {
    wakep();
  }
}

// If all workers are idle and nothing can wake any, says so. Called by whoever may be the last to
// make that true: an idle worker about to sleep, a thread that carried the last blocking call.
void scheduler::check_dead() {
  std::lock_guard<std::mutex> hold(lock_);
  if (idle_.size() != workers_.size() || done_.load()) return;
  if (netpoll_waiters_.load() != 0 || earliest_timer() != 0) return;
  if (blocking_.active() != 0) return;  // before work_visible: it is counted until it is work
  if (work_visible()) return;
  fatal("all goroutines are asleep - deadlock!");
}

}  // namespace netpoll
