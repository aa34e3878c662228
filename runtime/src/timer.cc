// SPDX-License-Identifier: MIT
// A 4-ary heap whose entries know their timers and whose timers know their place, so that stopping
// is exact: nothing stale is left behind, and the heap holds just the armed timers.
//
// Moving a timer to a later time is lazy, because that is what a server does for every operation on
// every connection: only timer::when changes, in the entry the old time stays. The heap is ordered
// by the entries' times, each at most its timer's. An entry that reaches the top with a time that
// is not its timer's is given the right one and sinks; nothing is called before its timer is due.
// The price is that earliest() may be too early by then: one needless wake-up for each old time
// that comes to pass. Moving to an earlier time is done at once.
//
// Lock order: a poll_desc's lock, then the heap's lock. Callbacks take a poll_desc's lock, so run()
// drops the heap's lock first; it has copied everything it needs, since from then on the owner may
// arm the timer again, in this heap or another.
#include "src/timer.h"

#include "src/fatal.h"

namespace netpoll {

namespace {
constexpr uint32_t arity = 4;
}

bool timer_heap::arm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq) {
  if (when <= 0) fatal("timer when must be positive");
  std::lock_guard<std::mutex> hold(lock_);
  if (t.position != 0) fatal("wrong timers");
  t.home = this;
  t.when = when;
  t.fn = fn;
  t.arg = arg;
  t.seq = seq;
  return insert(t);
}

bool timer_heap::rearm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq,
                       bool* earlier) {
  if (when <= 0) fatal("timer when must be positive");
  std::lock_guard<std::mutex> hold(lock_);
  if (t.position == 0) return false;
  const uint32_t i = t.position - 1;
  t.fn = fn;
  t.arg = arg;
  t.seq = seq;
  t.when = when;
  *earlier = false;
  if (when >= heap_[i].when) return true;  // later: the entry keeps its place
  heap_[i].when = when;
  sift_up(i);
  *earlier = publish_earliest();
  return true;
}

bool timer_heap::stop(timer& t) {
  std::lock_guard<std::mutex> hold(lock_);
  if (t.position == 0) return false;
  remove(t.position - 1);
  publish_earliest();
  return true;
}

int timer_heap::run(int64_t now) {
  int ran = 0;
  for (;;) {
    timer::callback fn;
    void* arg;
    uint64_t seq;
    {
      std::lock_guard<std::mutex> hold(lock_);
      while (!heap_.empty() && heap_[0].when <= now && heap_[0].when != heap_[0].t->when) {
        settle_first();
      }
      if (heap_.empty() || heap_[0].when > now) {
        publish_earliest();
        return ran;
      }
      timer& t = *heap_[0].t;
      fn = t.fn;
      arg = t.arg;
      seq = t.seq;
      remove(0);
      publish_earliest();
    }
    fn(arg, seq);
    ran++;
  }
}

void timer_heap::drop_all() {
  for (;;) {
    timer::callback fn;
    void* arg;
    {
      std::lock_guard<std::mutex> hold(lock_);
      if (heap_.empty()) return;
      fn = heap_[0].t->fn;
      arg = heap_[0].t->arg;
      remove(0);
      publish_earliest();
    }
    fn(arg, timer_dropped);
  }
}

uint32_t timer_heap::size() const {
  std::lock_guard<std::mutex> hold(lock_);
  return static_cast<uint32_t>(heap_.size());
}

bool timer_heap::insert(timer& t) {
  heap_.push_back({t.when, &t});
  place(static_cast<uint32_t>(heap_.size()) - 1, heap_.back());
  sift_up(t.position - 1);
  return publish_earliest();
}

void timer_heap::remove(uint32_t i) {
  if (i >= heap_.size() || heap_[i].t->position != i + 1) fatal("bad timer: not where it says", i);
  heap_[i].t->position = 0;
  const entry last = heap_.back();
  heap_.pop_back();
  if (i == heap_.size()) return;  // it was the last entry itself
  place(i, last);
  sift_up(i);
  sift_down(last.t->position - 1);
}

// The first entry gets its timer's time.
void timer_heap::settle_first() {
  heap_[0].when = heap_[0].t->when;
  sift_down(0);
}

void timer_heap::place(uint32_t i, entry e) {
  heap_[i] = e;
  e.t->position = i + 1;
}

void timer_heap::sift_up(uint32_t i) {
  const entry e = heap_[i];
  while (i > 0) {
    const uint32_t parent = (i - 1) / arity;
    if (heap_[parent].when <= e.when) break;
    place(i, heap_[parent]);
    i = parent;
  }
  place(i, e);
}

void timer_heap::sift_down(uint32_t i) {
  const entry e = heap_[i];
  const uint32_t n = static_cast<uint32_t>(heap_.size());
  for (;;) {
    const uint32_t first = i * arity + 1;
    if (first >= n) break;
    uint32_t least = first;
    for (uint32_t c = first + 1; c < n && c < first + arity; c++) {
      if (heap_[c].when < heap_[least].when) least = c;
    }
    if (heap_[least].when >= e.when) break;
    place(i, heap_[least]);
    i = least;
  }
  place(i, e);
}

// True if the earliest time became earlier. Called with the lock held.
bool timer_heap::publish_earliest() {
  const int64_t now = heap_.empty() ? 0 : heap_[0].when;
  const int64_t before = earliest_.load(std::memory_order_relaxed);  // written under lock_ only
  if (now == before) return false;
  earliest_.store(now);
  return now != 0 && (before == 0 || now < before);
}

}  // namespace netpoll
