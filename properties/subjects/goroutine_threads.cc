// SPDX-License-Identifier: MIT
#include "subjects/goroutine_threads.h"

#include <cstddef>
#include <utility>

#include "netpoll/go.h"
#include "src/clock.h"
#include "src/fatal.h"
#include "src/goroutine_dump.h"
#include "src/park.h"
#include "src/poll_desc.h"

namespace {

pollux::properties::GoroutineThreads* machine = nullptr;
thread_local pollux::properties::Goroutine* self = nullptr;

}  // namespace

namespace pollux::properties {

GoroutineThreads::GoroutineThreads() : scheduler_({.workers = 1, .poll_descs_max = 4}) {
  machine = this;
}

GoroutineThreads::~GoroutineThreads() { machine = nullptr; }

void GoroutineThreads::watch_slots() {
  const netpoll::PollDescRegion region = scheduler_.polls().region();
  slots_ = {.base = region.base,
            .stride = region.stride,
            .count = region.count_max,
            .reader_offset = region.rg_offset,
            .writer_offset = region.wg_offset,
            .fd_offset = offsetof(netpoll::poll_desc, fd)};
  properties::watch_slots(&slots_);
}

void GoroutineThreads::poll(int64_t delay) {
  netpoll::netpoller::ready_list ready = scheduler_.poller().poll(scheduler_.polls(), delay);
  scheduler_.inject(std::move(ready.list), nullptr, ready.delta);
  if (timers_.earliest() != 0) timers_.run(netpoll::nanotime());
}

Goroutine::Goroutine(GoroutineThreads& threads) {
  sched = &threads.scheduler();
  status.store(netpoll::g_status::running);
  sem_init(&wake, 0, 0);
  self = this;
}

Goroutine::~Goroutine() {
  self = nullptr;
  sem_destroy(&wake);
}

}  // namespace pollux::properties

// What scheduler.cc and find_runnable.cc define otherwise.
namespace netpoll {

scheduler::scheduler(const RuntimeOptions& options)
    : options_(options), polls_(*this, options.poll_descs_max), blocking_(*this) {}

scheduler::~scheduler() = default;

void scheduler::ready(g* gp) {
  g_status expected = g_status::waiting;
  if (!gp->status.compare_exchange_strong(expected, g_status::runnable)) {
    fatal("bad g->status in ready", static_cast<long>(expected));
  }
  sem_post(&static_cast<pollux::properties::Goroutine*>(gp)->wake);
}

void scheduler::inject(g_list list, worker*, int32_t waiters_delta) {
  if (list.empty() && waiters_delta != 0) {
    fatal("netpoll: an empty list with a nonzero delta", waiters_delta);
  }
  while (!list.empty()) ready(list.pop_front());
  add_netpoll_waiters(waiters_delta);
}

bool scheduler::timer_arm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq) {
  bool earlier = false;
  const bool moved = t.home && t.home->rearm(t, when, fn, arg, seq, &earlier);
  if (!moved) earlier = machine->timers().arm(t, when, fn, arg, seq);
  if (earlier) poller_.wake();
  return moved;
}

bool scheduler::timer_stop(timer& t) { return t.home && t.home->stop(t); }

RuntimeCounters scheduler::counters() const {
  return {.netpoll_waiters = netpoll_waiters_.load(),
          .pipe_waiters = waitable_waiters_.load(),
          .live_poll_descs = polls_.live(),
          .made_poll_descs = polls_.made(),
          .armed_timers = machine->timers().size(),
          .live_goroutines = 0};
}

void gopark(bool (*commit)(g*, void*), void* arg, wait_reason, int64_t) {
  if (self == nullptr) fatal("a call that may wait was made outside a goroutine");
  self->status.store(g_status::waiting);
  if (commit(self, arg)) {
    while (sem_wait(&self->wake) != 0) {
    }
  }
  self->status.store(g_status::running);
}

void goready(g* gp) { gp->sched->ready(gp); }

void go(std::function<void()>) { fatal("a protocol starts its threads itself"); }

void dump_goroutines() noexcept {}  // the world's report names the threads

}  // namespace netpoll
