// SPDX-License-Identifier: MIT
// Goroutines: birth, parking, readiness, end; and the queues they wait in.
//
// A goroutine's states and who moves it are in g.h. The delicate transition is running -> waiting.
// gopark only records what to do and switches to the worker; the worker, on its own stack and with
// the goroutine's context saved, sets `waiting` and then calls the commit callback, which publishes
// the goroutine's address. From that instant another thread may make it runnable and a third may be
// running it, so nothing here touches it after a commit that returned true. ready() takes it from
// `waiting` to `runnable` by compare-and-swap: two wake-ups for one park are a fatal error, not
// corruption.
//
// Where a runnable goroutine is: in a worker's queue (run_queue.h), in the global queue (when it
// yielded, when a worker's queue overflowed, or when the thread that made it runnable is not a
// worker), or on a list that a poll has returned, in transit.
//
// The end: live_ counts goroutines. The worker that ends the last one sets done_ and wakes all
// others; each worker looks at done_ before it searches and, under lock_, before it idles.
//
// Lock order: poll_desc::lock -> timer_heap::lock_, and poll_desc::lock -> lock_; g_lock_ and
// note::lock_ are innermost.
#include "src/scheduler.h"

#include <utility>

#include "netpoll/go.h"
#include "src/clock.h"
#include "src/context.h"
#include "src/current.h"
#include "src/fatal.h"
#include "src/park.h"

namespace netpoll {

namespace {

// Free goroutines beyond this many give their stacks back to the kernel.
constexpr uint32_t max_free_stacks = 4096;

int worker_count_for(const RuntimeOptions& options) {
  if (options.workers < 0) fatal("RuntimeOptions::workers is negative", options.workers);
  if (options.workers > 0) return options.workers;
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}

}  // namespace

scheduler::scheduler(const RuntimeOptions& options)
    : options_(options), polls_(*this, options.poll_descs_max), blocking_(*this) {
  const int n = worker_count_for(options);
  workers_.reserve(n);
  idle_.reserve(n);
  for (int i = 0; i < n; i++) workers_.push_back(std::make_unique<worker>(*this, i));
}

scheduler::~scheduler() {
  set_current_scheduler(this);
  if (running_.load()) fatal("Runtime destroyed inside run");
  if (polls_.live() != 0) fatal("Runtime destroyed before its connections", polls_.live());
  for (auto& w : workers_) w->timers.drop_all();  // runtime_timers; their owners may live on
  for (auto& gp : all_gs_) stack_unmap(gp->stk);
  set_current_scheduler(nullptr);
}

void scheduler::run(std::function<void()> main) {
  if (own_worker()) fatal("Runtime::run called from one of its own goroutines");
  if (running_.exchange(true)) fatal("Runtime::run called twice at a time");
  start(std::move(main));
  // A goroutine of another Runtime calls from a stack too small for a worker.
  worker* here = current_worker() ? nullptr : workers_[0].get();
  std::thread monitor;
  if (options_.sysmon && workers_.size() > 1) monitor = std::thread([this] { sysmon_main(); });
  for (auto& w : workers_) {
    if (w.get() != here) w->thread = std::thread([this, p = w.get()] { worker_main(*p); });
  }
  if (here) worker_main(*here);
  for (auto& w : workers_) {
    if (w.get() != here) w->thread.join();
  }
  if (monitor.joinable()) {
    sysmon_stop();
    monitor.join();
  }
  blocking_.join();
  running_.store(false);
}

// Puts everything into the state in which no worker has started yet.
void scheduler::start(std::function<void()> main) {
  done_.store(false);
  nmspinning_.store(0);
  need_spinning_.store(false);
  npidle_.store(0);
  idle_.clear();
  poll_until_.store(0);
  polling_net_.store(0);
  last_poll_.store(nanotime());
  sysmon_quit_ = sysmon_woken_ = false;
  sysmon_asleep_.store(false);
  for (auto& w : workers_) {
    w->spinning = w->idle = false;
    w->polling.store(false);
    w->wakeup.clear();
  }
  live_.store(1);
  g_list first;
  first.push_back(g_get(std::move(main)));
  global_put(std::move(first));
}

void scheduler::worker_main(worker& w) {
  set_current_worker(&w);
  w.exceptions = thread_exceptions();
  set_current_scheduler(this);
  w.clock = nanotime();
  sanitizer_adopt_thread(w.sanitizer);
  while (g* gp = find_runnable(w)) execute(w, gp);
  set_current_worker(nullptr);
  set_current_scheduler(nullptr);  // the first worker's thread is the caller's, and lives on
}

// Runs gp until it parks, yields or ends.
void scheduler::execute(worker& w, g* gp) {
  if (w.spinning) stop_spinning(w);
  w.tick++;
  for (;;) {
    // Relaxed: whoever made gp runnable handed it over through a queue.
    if (gp->status.load(std::memory_order_relaxed) != g_status::runnable) {
      fatal("execute: bad g status", static_cast<long>(gp->status.load()));
    }
    gp->status.store(g_status::running, std::memory_order_relaxed);
    w.current = gp;
    switch_to_g(w, gp);
    w.current = nullptr;
    const g_request request = std::exchange(gp->request, g_request::none);
    if (request == g_request::park) {
      // Relaxed: the commit publishes it together with gp's address.
      gp->status.store(g_status::waiting, std::memory_order_relaxed);
      if (gp->commit(gp, gp->commit_arg)) return;
      make_runnable(gp);  // declined: gp is still ours alone
      continue;
    }
    if (request == g_request::yield) {
      gp->status.store(g_status::runnable, std::memory_order_relaxed);  // the queue publishes it
      g_list one;
      one.push_back(gp);
      global_put(std::move(one));
      wakep();  // what w runs next may keep it
      return;
    }
    if (request != g_request::end) fatal("execute: a goroutine switched without a request");
    g_put(gp);
    if (live_.fetch_sub(1) == 1) finish();
    return;
  }
}

// The last goroutine has ended: send everybody home.
void scheduler::finish() {
  done_.store(true);
  for (;;) {
    worker* w;
    {
      std::lock_guard<std::mutex> hold(lock_);
      w = idle_pop(false);
    }
    if (!w) return;
    wake_worker(*w);
  }
}

bool scheduler::spawn(std::function<void()> fn) {
  // A count of 0 is final: the workers are leaving, or have left.
  uint64_t live = live_.load();
  do {
    if (live == 0) return false;
  } while (!live_.compare_exchange_weak(live, live + 1));
  g* gp = g_get(std::move(fn));
  if (worker* w = own_worker()) {
    put(*w, gp, true);
  } else {
    g_list one;
    one.push_back(gp);
    global_put(std::move(one));
  }
  wakep();
  return true;
}

g* scheduler::g_get(std::function<void()> fn) {
  g* gp;
  {
    std::lock_guard<std::mutex> hold(g_lock_);
    gp = free_gs_.pop_front();
    if (!gp) {
      all_gs_.push_back(std::make_unique<g>());
      gp = all_gs_.back().get();
      gp->sched = this;
    }
  }
  if (!gp->stk.mapped()) gp->stk = stack_map(options_.stack_size);
  gp->id = next_id_.fetch_add(1, std::memory_order_relaxed);  // only a name
  gp->fn = std::move(fn);
  context_prepare(gp, goroutine_entry);
  gp->status.store(g_status::runnable, std::memory_order_relaxed);  // a queue publishes it
  return gp;
}

void scheduler::g_put(g* gp) {
  sanitizer_fiber_destroy(gp->sanitizer);
  gp->status.store(g_status::idle, std::memory_order_relaxed);  // g_lock_ publishes it
  std::unique_lock<std::mutex> hold(g_lock_);
  const bool keep_stack = free_gs_.size() < max_free_stacks;
  if (!keep_stack) {
    hold.unlock();
    stack_unmap(gp->stk);
    hold.lock();
  }
  free_gs_.push_front(gp);
}

// The bottom frame of every goroutine. noexcept: an exception that nobody caught ends the process
// here, by std::terminate, with the stack that threw still in place.
void scheduler::goroutine_entry(g* gp) noexcept {
  gp->fn();
  gp->fn = nullptr;  // what it captured dies on the goroutine, where it may still park
  gp->request = g_request::end;
  switch_to_worker(gp);
}

// waiting -> runnable, exactly once per park.
void scheduler::make_runnable(g* gp) {
  g_status expected = g_status::waiting;
  if (!gp->status.compare_exchange_strong(expected, g_status::runnable)) {
    fatal("bad g->status in ready", static_cast<long>(expected));
  }
}

void scheduler::ready(g* gp) {
  make_runnable(gp);
  if (worker* w = own_worker()) {
    put(*w, gp, true);
  } else {
    g_list one;
    one.push_back(gp);
    global_put(std::move(one));
  }
  wakep();
}

void scheduler::inject(g_list list, worker* w, int32_t waiters_delta) {
  if (list.empty()) {
    if (waiters_delta != 0) fatal("netpoll: an empty list with a nonzero delta", waiters_delta);
    return;
  }
  for (g* gp = list.front(); gp; gp = gp->link) make_runnable(gp);
  if (!w) {
    const uint32_t n = list.size();
    global_put(std::move(list));
    start_idle(n);
  } else {
    // Idle workers get theirs through the global queue; the rest stays here, where it is warm.
    g_list shared;
    for (uint32_t n = npidle_.load(); n > 0 && !list.empty(); n--) {
      shared.push_back(list.pop_front());
    }
    const uint32_t n = shared.size();
    if (n > 0) {
      global_put(std::move(shared));
      start_idle(n);
    }
    w->queue.put_batch(list);
    if (!list.empty()) global_put(std::move(list));
    wakep();  // a worker may have become idle after npidle_ was read
  }
  add_netpoll_waiters(waiters_delta);
}

void scheduler::put(worker& w, g* gp, bool next) {
  g_list overflow = w.queue.put(gp, next);
  if (!overflow.empty()) global_put(std::move(overflow));
}

void scheduler::global_put(g_list list) {
  std::lock_guard<std::mutex> hold(lock_);
  global_queue_.append(list);
  global_size_.store(global_queue_.size());
}

// This worker's fair share of the global queue: one to run, more into its own queue.
g* scheduler::global_get(worker& w) {
  if (global_size_.load() == 0) return nullptr;
  std::lock_guard<std::mutex> hold(lock_);
  g* first = global_queue_.pop_front();
  uint32_t n = global_queue_.size() / static_cast<uint32_t>(workers_.size());
  if (n > run_queue::capacity / 2) n = run_queue::capacity / 2;
  if (n > 0) {
    g_list batch;
    for (; n > 0; n--) batch.push_back(global_queue_.pop_front());
    w.queue.put_batch(batch);
    global_queue_.append(batch);  // what had no room
  }
  // Last: who sees in its last look (work_visible) that they are gone from here sees them there.
  global_size_.store(global_queue_.size());
  return first;
}

worker* scheduler::own_worker() const {
  worker* w = current_worker();
  return w && &w->sched == this ? w : nullptr;
}

scheduler& scheduler::current(const char* what) {
  worker* w = current_worker();
  if (!w || !w->current) fatal(what);
  return w->sched;
}

bool scheduler::timer_arm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq) {
  bool earlier = false;
  const bool moved = t.home && t.home->rearm(t, when, fn, arg, seq, &earlier);
  if (!moved) {
    worker* w = own_worker();
    earlier = (w ? *w : *workers_[0]).timers.arm(t, when, fn, arg, seq);
  }
  if (earlier) wake_net_poller(when);
  return moved;
}

bool scheduler::timer_stop(timer& t) { return t.home && t.home->stop(t); }

RuntimeCounters scheduler::counters() const {
  RuntimeCounters c;
  c.netpoll_waiters = netpoll_waiters_.load();
  c.pipe_waiters = waitable_waiters_.load();
  c.live_poll_descs = polls_.live();
  c.made_poll_descs = polls_.made();
  for (const auto& w : workers_) c.armed_timers += w->timers.size();
  c.live_goroutines = live_.load();
  return c;
}

// Parking.

void gopark(bool (*commit)(g*, void*), void* arg, wait_reason why, int64_t detail) {
  worker* w = current_worker();
  g* gp = w ? w->current : nullptr;
  if (!gp) fatal("a call that may wait was made outside a goroutine");
  // Relaxed: written by this thread when it began to run gp.
  if (gp->status.load(std::memory_order_relaxed) != g_status::running) {
    fatal("gopark: bad g status", static_cast<long>(gp->status.load()));
  }
  gp->commit = commit;
  gp->commit_arg = arg;
  gp->why = why;
  gp->wait_detail = detail;
  gp->parked_at = w->clock;
  gp->request = g_request::park;
  switch_to_worker(gp);
}

void goready(g* gp) { gp->sched->ready(gp); }

// The public functions of go.h.

void go(std::function<void()> fn) {
  scheduler::current("go called outside a goroutine").spawn(std::move(fn));
}

void yield() {
  scheduler::current("yield called outside a goroutine");
  g* gp = current_worker()->current;
  gp->request = g_request::yield;
  switch_to_worker(gp);
}

void sleep_for(std::chrono::nanoseconds d) {
  scheduler& s = scheduler::current("sleep_for called outside a goroutine");
  if (d.count() <= 0) return;
  park_slot slot;
  timer t;
  const int64_t until = saturating_add(nanotime(), d.count());
  s.timer_arm(
      t, until, [](void* arg, uint64_t) { static_cast<park_slot*>(arg)->wake(); }, &slot, 0);
  slot.wait(wait_reason::sleep, until);
}

}  // namespace netpoll
