// SPDX-License-Identifier: MIT
// Every state that cannot be, brought about: the checks stay on in release builds and say what they
// saw, with a line for each goroutine. Those that no test can bring about are listed in README.md.
#include "src/fatal.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "netpoll/channel.h"
#include "netpoll/pipe.h"
#include "netpoll/select.h"
#include "netpoll/time.h"
#include "src/clock.h"
#include "src/context.h"
#include "src/current.h"
#include "src/park.h"
#include "src/poll_desc.h"
#include "src/runtime_timer.h"
#include "src/scheduler.h"
#include "support.h"

namespace netpoll::testing {
namespace {

void run_one(const std::function<void()>& body, int workers = 1) {
  Runtime runtime(with_workers(workers));
  runtime.run(body);
}

g* current_g() { return current_worker()->current; }

class FatalDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// The dump.

TEST_F(FatalDeathTest, SaysWhatEveryGoroutineWaitsFor) {
  const auto everybody_waits = [] {
    Runtime runtime(with_workers(1));
    runtime.run([&] {
      Pair p = connected_pair();
      Channel<int> c, full;
      Mutex mutex, cond_mutex;
      RWMutex rw;
      Cond cond(cond_mutex);
      WaitGroup group;
      group.add(1);
      rw.lock();
      Semaphore semaphore;
      go([&] {
        char b;
        (void)p.client.read(&b, 1);
      });
      go([&] {
        std::string block(1 << 20, 'x');
        while (!p.client.write(block.data(), block.size()).err) {
        }
      });
      go([&] { c.recv(); });
      go([&] { full.send(1); });
      go([&] { select(receive(c)); });
      go([] { select(); });
      go([] { Channel<int>(nullptr).recv(); });
      go([] { Channel<int>(nullptr).send(1); });
      go([] { sleep_for(std::chrono::hours(1)); });
      go([&] { group.wait(); });
      go([&] { semaphore.acquire(); });
      go([&] { rw.lock(); });
      go([&] { rw.lock_shared(); });
      go([&] {
        cond_mutex.lock();
        cond.wait();
      });
      go([&] {
        mutex.lock();
        mutex.lock();
      });
      for (int i = 0; i < 1000; i++) yield();
      go([] {});
      Channel<int> closed;
      closed.close();
      closed.close();
    });
  };
  EXPECT_DEATH(everybody_waits(),
               "fatal: close of closed channel\n"
               "goroutine 1 \\[running\\]\n"
               "goroutine 2 \\[IO wait: read of fd [0-9]+, [^\n]*\\]\n"
               "goroutine 3 \\[IO wait: write of fd [0-9]+, [^\n]*\\]\n"
               "goroutine 4 \\[chan receive, for at most [0-9]+ ms\\]\n"
               "goroutine 5 \\[chan send, [^\n]*\\]\n"
               "goroutine 6 \\[select, [^\n]*\\]\n"
               "goroutine 7 \\[select \\(no cases\\), [^\n]*\\]\n"
               "goroutine 8 \\[chan receive \\(nil chan\\), [^\n]*\\]\n"
               "goroutine 9 \\[chan send \\(nil chan\\), [^\n]*\\]\n"
               "goroutine 10 \\[sleep, 3[0-9]+ ms to go, [^\n]*\\]\n"
               "goroutine 11 \\[wait group, [^\n]*\\]\n"
               "goroutine 12 \\[semaphore, [^\n]*\\]\n"
               "goroutine 13 \\[write lock of an RWMutex, [^\n]*\\]\n"
               "goroutine 14 \\[read lock of an RWMutex, [^\n]*\\]\n"
               "goroutine 15 \\[condition variable, [^\n]*\\]\n"
               "goroutine 16 \\[mutex, [^\n]*\\]\n"
               "goroutine 17 \\[runnable\\]\n");
}

TEST_F(FatalDeathTest, TheDeadlockReportHasTheDumpToo) {
  EXPECT_DEATH(run_one(
                   [] {
                     Channel<int> c;
                     go([=] { c.recv(); });
                     c.recv();
                   },
                   2),
               "all goroutines are asleep - deadlock!\n"
               "goroutine 1 \\[chan receive, [^\n]*\\]\n"
               "goroutine 2 \\[chan receive, ");
}

TEST_F(FatalDeathTest, GoroutinesThatAllWaitForPipesAreDeadlocked) {
  for (int workers : {1, 2}) {
    EXPECT_DEATH(run_one(
                     [] {
                       auto [a, b] = pipe().value;
                       go([a = a]() mutable { (void)a.write("x", 1); });
                       go([] { Channel<int>(nullptr).recv(); });
                       char two[2];
                       EXPECT_EQ(b.read(two, 2).n, 1u);  // the writer goes on, and ends
                       (void)b.read(two, 2);
                     },
                     workers),
                 "all goroutines are asleep - deadlock!\n"
                 "goroutine 1 \\[IO wait: read, [^\n]*\\]\n"
                 "goroutine 3 \\[chan receive \\(nil chan\\), ");
  }
}

// The park protocol. (More in poll_desc_test.cc.)

TEST_F(FatalDeathTest, PollDescs) {
  const auto open_dirty = [](std::atomic<uintptr_t> poll_desc::*slot) {
    scheduler s(with_workers(1));
    poll_desc* pd = s.polls().alloc();
    (pd->*slot).store(pd_wait);
    s.polls().free(pd);
    int err;
    (void)poll_open(s, eventfd(0, EFD_NONBLOCK), &err);
  };
  EXPECT_DEATH(open_dirty(&poll_desc::wg), "blocked write on free polldesc");
  EXPECT_DEATH(open_dirty(&poll_desc::rg), "blocked read on free polldesc");
  const auto close_dirty = [](std::atomic<uintptr_t> poll_desc::*slot) {
    scheduler s(with_workers(1));
    int err;
    poll_desc* pd = poll_open(s, eventfd(0, EFD_NONBLOCK), &err);
    poll_unblock(*pd);
    (pd->*slot).store(pd_wait);
    poll_close(pd);
  };
  EXPECT_DEATH(close_dirty(&poll_desc::wg), "blocked write on closing polldesc");
  EXPECT_DEATH(close_dirty(&poll_desc::rg), "blocked read on closing polldesc");
  const auto late_callback = [](poll_modes modes) {
    scheduler s(with_workers(1));
    int err;
    poll_desc* pd = poll_open(s, eventfd(0, EFD_NONBLOCK), &err);
    poll_set_deadline(*pd, 3'600'000'000'000, modes);
    timer& t = modes == poll_modes::read ? pd->rt : pd->wt;
    (modes == poll_modes::read ? pd->rd : pd->wd) = 0;
    t.fn(t.arg, t.seq);
  };
  EXPECT_DEATH(late_callback(poll_modes::read), "inconsistent read deadline");
  EXPECT_DEATH(late_callback(poll_modes::write), "inconsistent write deadline");
}

TEST_F(FatalDeathTest, ASlotOverwrittenUnderAWaiter) {
  const auto overwrite = [] {
    Runtime runtime(with_workers(1));
    runtime.run([&] {
      Pair p = connected_pair();
      go([&] {
        char b;
        (void)p.server.read(&b, 1);
      });
      ASSERT_TRUE(parked(runtime, 1));
      const PollDescRegion region = runtime.poll_desc_region();
      for (uint32_t i = 0; i < 4; i++) {
        auto* rg = reinterpret_cast<std::atomic<uintptr_t>*>(region.base + i * region.stride +
                                                             region.rg_offset);
        const uintptr_t v = rg->load();
        if (v <= pd_wait) continue;
        rg->store(0x1234560);
        goready(reinterpret_cast<g*>(v));
      }
      yield();
    });
  };
  EXPECT_DEATH(overwrite(), "corrupted polldesc");
}

// The poller.

// The numbers that the next two descriptors will get.
struct next_fds {
  next_fds() : first(dup(0)), second(dup(0)) {
    close(first);
    close(second);
  }
  const int first, second;
};

void limit_fds(int n) {
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(n);
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(FatalDeathTest, Poller) {
  EXPECT_DEATH(
      {
        limit_fds(next_fds().first);
        Runtime r(with_workers(1));
      },
      "netpollinit failed");
  EXPECT_DEATH(
      {
        limit_fds(next_fds().second);
        Runtime r(with_workers(1));
      },
      "eventfd failed");
  const auto damage = [](const std::function<void(scheduler&, int epfd, int event_fd)>& how) {
    const next_fds fds;
    scheduler s(with_workers(1));
    how(s, fds.first, fds.second);
    (void)s.poller().poll(s.polls(), 1);
  };
  EXPECT_DEATH(damage([](scheduler&, int epfd, int) { close(epfd); }), "netpoll failed");
  EXPECT_DEATH(damage([](scheduler& s, int, int event_fd) {
                 close(event_fd);
                 s.poller().wake();
               }),
               "netpollBreak write failed");
  EXPECT_DEATH(damage([](scheduler&, int epfd, int event_fd) {
                 epoll_event e{};
                 e.events = EPOLLOUT;
                 e.data.u64 = ~uint64_t{0};
                 epoll_ctl(epfd, EPOLL_CTL_MOD, event_fd, &e);
               }),
               "eventfd ready for something unexpected");
  EXPECT_DEATH(damage([](scheduler&, int epfd, int event_fd) {
                 epoll_event e{};
                 e.events = EPOLLOUT;
                 e.data.u64 = 99;
                 epoll_ctl(epfd, EPOLL_CTL_MOD, event_fd, &e);
               }),
               "an event for a descriptor never registered");
}

// The scheduler.

TEST_F(FatalDeathTest, Scheduler) {
  EXPECT_DEATH(run_one([] {
                 current_g()->status = g_status::waiting;
                 park_slot().wait(wait_reason::semaphore);
               }),
               "gopark: bad g status");
  EXPECT_DEATH(run_one([] { goready(current_g()); }), "bad g->status in ready");
  EXPECT_DEATH(run_one([] {
                 park_slot slot;
                 slot.wake();
                 slot.wake();
               }),
               "park_slot: woken twice");
  EXPECT_DEATH(run_one([] {
                 go([] {});
                 g* gp = current_worker()->queue.get();
                 gp->status = g_status::idle;
                 (void)current_worker()->queue.put(gp, true);
                 yield();
               }),
               "execute: bad g status");
  EXPECT_DEATH(run_one([] { switch_to_worker(current_g()); }),
               "execute: a goroutine switched without a request");
  EXPECT_DEATH(run_one([] {
                 current_worker()->spinning = true;  // and not counted
                 yield();
               }),
               "negative nmspinning");
  EXPECT_DEATH(run_one([] {
                 go([] {});
                 current_worker()->spinning = true;
                 yield();
               }),
               "schedule: spinning with local work");
}

// Timers.

class plain_timer final : public runtime_timer {
 public:
  explicit plain_timer(scheduler& s) : runtime_timer(s) {}

 private:
  void fire(uint64_t) override {}
};

TEST_F(FatalDeathTest, Timers) {
  static timer_heap heap;
  static timer t;
  static bool earlier;
  const auto arm = [](int64_t when) { heap.arm(t, when, nullptr, nullptr, 0); };
  EXPECT_DEATH(arm(0), "timer when must be positive");
  EXPECT_DEATH(heap.rearm(t, -1, nullptr, nullptr, 0, &earlier), "timer when must be positive");
  EXPECT_DEATH(
      {
        arm(1);
        arm(2);
      },
      "wrong timers");
  EXPECT_DEATH(
      {
        arm(1);
        t.position = 7;
        heap.stop(t);
      },
      "bad timer");
  EXPECT_DEATH(
      {
        scheduler s(with_workers(1));
        (new plain_timer(s))->reset(1, -1);
      },
      "timer period must be non-negative");
}

}  // namespace
}  // namespace netpoll::testing
