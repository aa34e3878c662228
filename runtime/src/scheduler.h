// SPDX-License-Identifier: MIT
// The scheduler of one Runtime: who runs what, who looks for work, who polls, who sleeps.
// scheduler.cc has goroutines and queues, find_runnable.cc the search for work and the poller's
// place in it, sysmon.cc the monitor thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "netpoll/runtime.h"
#include "src/blocking.h"
#include "src/g.h"
#include "src/netpoll_epoll.h"
#include "src/poll_cache.h"
#include "src/worker.h"

namespace netpoll {

class scheduler {
 public:
  explicit scheduler(const RuntimeOptions& options);
  ~scheduler();

  void run(std::function<void()> main);
  // A new goroutine. Any thread; false, and nothing done, if all goroutines of the run have ended.
  bool spawn(std::function<void()> fn);

  // Makes a waiting goroutine runnable, next on the calling worker, and wakes an idle worker if
  // there is one and nobody looks for work. Any thread.
  void ready(g* gp);
  // After new work became visible: makes sure that somebody will find it.
  void wakep();
  // Makes all of `list` runnable; adjusts netpoll_waiters afterwards, never before: else there is a
  // moment with neither a waiter nor anything runnable, which looks like a deadlock.
  void inject(g_list list, worker* w, int32_t waiters_delta);
  // A timer was armed that is earlier than all others of its heap.
  void wake_net_poller(int64_t when);

  // Arms `t`, moving it if it is armed already (then the result is true). The caller serialises
  // calls for one timer.
  bool timer_arm(timer& t, int64_t when, timer::callback fn, void* arg, uint64_t seq);
  // False if `t` was not armed. A callback that has been started is not waited for.
  bool timer_stop(timer& t);

  void add_netpoll_waiters(int32_t delta) {
    if (delta != 0) netpoll_waiters_.fetch_add(static_cast<uint32_t>(delta));
  }
  void add_waitable_waiters(int32_t delta) {
    if (delta != 0) waitable_waiters_.fetch_add(static_cast<uint32_t>(delta));
  }

  netpoller& poller() { return poller_; }
  poll_cache& polls() { return polls_; }
  const poll_cache& polls() const { return polls_; }
  blocking_pool& blocking_calls() { return blocking_; }
  void check_dead();
  void dump_goroutines() const noexcept;  // goroutine_dump.cc
  const RuntimeOptions& options() const { return options_; }
  int worker_count() const { return static_cast<int>(workers_.size()); }
  RuntimeCounters counters() const;

  // The scheduler of the calling goroutine; aborts with `what` outside.
  static scheduler& current(const char* what);

 private:
  // scheduler.cc
  void start(std::function<void()> main);
  void worker_main(worker& w);
  void execute(worker& w, g* gp);
  void finish();
  g* g_get(std::function<void()> fn);
  void g_put(g* gp);
  static void goroutine_entry(g* gp) noexcept;
  void make_runnable(g* gp);
  void put(worker& w, g* gp, bool next);
  void global_put(g_list list);
  g* global_get(worker& w);
  worker* own_worker() const;

  // find_runnable.cc
  g* find_runnable(worker& w);
  g* look_local(worker& w);
  bool is_own_monitor_due();
  g* poll_now(worker& w);
  g* take_ready(worker& w, netpoller::ready_list r);
  g* steal(worker& w);
  bool go_idle(worker& w, g** found);
  bool work_visible() const;
  g* block(worker& w, bool was_spinning);
  g* poll_blocking(worker& w, int64_t until, bool was_spinning);
  bool leave_idle(worker& w);
  void become_spinning(worker& w);
  void stop_spinning(worker& w);
  int64_t earliest_timer() const;
  worker* idle_pop(bool spinning);
  void wake_worker(worker& w);
  void start_idle(uint32_t n);

  // sysmon.cc
  static constexpr int64_t sysmon_period = 10'000'000;  // ns: how old the last poll may become
  void sysmon_main();
  void sysmon_stop();
  void sysmon_note_activity() {
    if (sysmon_asleep_.load()) sysmon_wake();
  }
  void sysmon_wake();

  const RuntimeOptions options_;
  netpoller poller_;
  poll_cache polls_;
  blocking_pool blocking_;
  std::vector<std::unique_ptr<worker>> workers_;

  // Guards the global queue, the idle list, worker::idle, and worker::spinning of idle workers.
  // Innermost but for note::lock_.
  std::mutex lock_;
  g_list global_queue_;
  std::vector<worker*> idle_;  // last in, first out

  // All of these are seq_cst: they are the two sides of "make work visible, then look for sleepers"
  // and "go to sleep, then look for work".
  std::atomic<uint32_t> global_size_{0};    // global_queue_.size(), for looks without the lock
  std::atomic<uint32_t> npidle_{0};         // idle_.size(), likewise
  std::atomic<int32_t> nmspinning_{0};      // workers that look for work, and will look once more
  std::atomic<bool> need_spinning_{false};  // somebody found nobody idle: look again before idling
  std::atomic<int64_t> last_poll_{0};       // 0: a worker is in, or entering, the blocking poll
  std::atomic<int64_t> poll_until_{0};      // when that poll ends by itself; 0: never
  std::atomic<uint32_t> polling_net_{0};    // admits one non-blocking poll at a time
  std::atomic<uint32_t> netpoll_waiters_{0};   // committed parks on poll_descs
  std::atomic<uint32_t> waitable_waiters_{0};  // likewise where there is no descriptor: a statistic
  std::atomic<uint64_t> live_{0};              // goroutines not ended
  std::atomic<uint64_t> next_id_{1};           // g::id
  std::atomic<bool> done_{false};              // live_ reached 0: workers leave
  std::atomic<bool> running_{false};           // inside run()

  mutable std::mutex g_lock_;  // guards the two below; innermost
  std::vector<std::unique_ptr<g>> all_gs_;
  g_list free_gs_;

  std::mutex sysmon_lock_;  // innermost
  std::condition_variable sysmon_cv_;
  std::atomic<uint64_t> idle_exits_{0};  // how often a worker left the idle list
  bool sysmon_quit_ = false;             // sysmon_lock_
  bool sysmon_woken_ = false;            // sysmon_lock_
  std::atomic<bool> sysmon_asleep_{false};
};

}  // namespace netpoll
