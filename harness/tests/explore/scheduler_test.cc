// SPDX-License-Identifier: MIT
//
// The scheduler's own contracts: bounds, verdicts, fairness, waking, watching.
#include "explore/scheduler.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "explore/check.h"
#include "explore/futex.h"
#include "pollux/shim/gate.h"
#include "pollux/world.h"
#include "tests/explore/programs.h"
#include "tests/explore/small_twin.h"

namespace pollux::explore_test {
namespace {

using namespace explore;

// Never deviates.
std::unique_ptr<Strategy> boring() { return make_replay_strategy({}); }

TEST(SchedulerTest, EndsWithItsLastAddedThread) {
  auto strategy = boring();
  int ran = 0;
  Result result = run(*strategy, {[&] { ++ran; }, [&] { ++ran; }, [&] { ++ran; }});
  EXPECT_EQ(result.verdict, Verdict::held);
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(result.switches, 2u);
  EXPECT_TRUE(result.deviations.empty());
}

TEST(SchedulerTest, ReportsADeadlockByWhoWaitsForWhat) {
  auto strategy = boring();
  Result result = run(*strategy, [] {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
  });
  EXPECT_EQ(result.verdict, Verdict::deadlock);
  EXPECT_EQ(result.reason, "body0 waits for mutex");
}

TEST(SchedulerTest, StopsAtTheBoundOnPoints) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  auto strategy = boring();
  Result result = run(*strategy, [] { pollux_load_loop(1'000'000); }, {.points_max = 1000});
  EXPECT_EQ(result.verdict, Verdict::step_limit);
  EXPECT_EQ(result.points, 1000u);
}

// A thread that locks and unlocks in a loop holds the mutex nearly always. Whoever wants it must
// not be given its turns at the same place of the loop for ever.
TEST(SchedulerTest, ForcedTurnsKeepStepWithNoLoop) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  for (long loads = 0; loads < 20; ++loads) {
    auto strategy = boring();
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    bool wanted = true;
    auto loop = [&] {
      for (bool again = true; again;) {
        pthread_mutex_lock(&mutex);
        pollux_load_loop(loads);
        again = wanted;
        pthread_mutex_unlock(&mutex);
      }
    };
    auto once = [&] {
      pthread_mutex_lock(&mutex);
      wanted = false;
      pthread_mutex_unlock(&mutex);
    };
    EXPECT_EQ(run(*strategy, {loop, once}).verdict, Verdict::held) << loads;
  }
}

TEST(SchedulerTest, StopsAtTheBoundOnTime) {
  auto strategy = boring();
  Result result = run(*strategy, [] { std::this_thread::sleep_for(std::chrono::hours(2)); },
                      {.time_max = Time{3600} * 1'000'000'000});
  EXPECT_EQ(result.verdict, Verdict::time_limit);
}

// A deadline beyond the bound that nobody waits for any more must not hide a deadlock.
TEST(SchedulerTest, TellsADeadlockFromALongWait) {
  auto strategy = boring();
  Result result = run(*strategy,
                      [] {
                        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
                        pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
                        bool go = false;
                        std::thread waker([&] {
                          pthread_mutex_lock(&mutex);
                          go = true;
                          pthread_cond_signal(&cond);
                          pthread_mutex_unlock(&mutex);
                        });
                        timespec far = {1'700'000'000 + 7200, 0};
                        pthread_mutex_lock(&mutex);
                        while (!go) pthread_cond_timedwait(&cond, &mutex, &far);
                        pthread_mutex_unlock(&mutex);
                        waker.join();
                        pthread_mutex_lock(&mutex);
                        pthread_mutex_lock(&mutex);
                      },
                      {.time_max = Time{3600} * 1'000'000'000});
  EXPECT_EQ(result.verdict, Verdict::deadlock);
}

TEST(SchedulerTest, NobodyRunsForEverWhileOthersCould) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  auto strategy = boring();
  Result result = run(*strategy, {[] { pollux_load_loop(100'000); }, [] { pollux_load_loop(1); }});
  EXPECT_EQ(result.verdict, Verdict::held);
  EXPECT_GE(result.switches, 2u);
}

TEST(SchedulerTest, WhatIsNotModelledEndsTheRunWithItsName) {
  auto strategy = boring();
  Result result = run(*strategy, [] { pthread_cancel(pthread_self()); });
  EXPECT_EQ(result.verdict, Verdict::unmodelled);
  EXPECT_EQ(result.reason, "pthread_cancel");
}

TEST(SchedulerTest, SixtyThreeThreadsAndNoMore) {
  auto strategy = boring();
  int created = 0, error = 0;
  Result result = run(*strategy, [&] {
    static pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, nullptr, kNobody);
    std::vector<pthread_t> threads;
    for (;;) {
      pthread_t thread;
      error = pthread_create(
          &thread, nullptr,
          [](void*) -> void* {
            pthread_barrier_wait(&barrier);
            return nullptr;
          },
          nullptr);
      if (error != 0) break;
      threads.push_back(thread);
    }
    created = static_cast<int>(threads.size());
    pthread_barrier_wait(&barrier);
    for (pthread_t thread : threads) pthread_join(thread, nullptr);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(created, static_cast<int>(kNobody) - 1);
  EXPECT_EQ(error, EAGAIN);
}

TEST(SchedulerTest, OutsideOfARunThreadsAreReal) {
  pid_t inner = 0;
  std::thread([&] { inner = static_cast<pid_t>(syscall(SYS_gettid)); }).join();
  EXPECT_NE(inner, getpid());
  EXPECT_NE(inner, 0);
}

// Wakes by choice: the strategy names who.
TEST(WakeTest, ChoosesAmongWaitersByArrival) {
  struct Last final : Strategy {
    void begin(std::span<uint32_t, kSitesMax>) override {}
    Answer choose(Actor, Site site, uint32_t, uint32_t n) override {
      return {site == site::kFutexWake ? n - 1 : 0, 0};
    }
    ThreadAnswer choose_thread(Actor, Site, uint32_t, uint64_t, Actor boring) override {
      return {boring, 0};
    }
  } last;
  auto first = boring();
  for (Strategy* strategy : {static_cast<Strategy*>(first.get()), static_cast<Strategy*>(&last)}) {
    std::vector<int> order;
    uint32_t word = 0;
    auto wait = [&](int i) {
      return [&, i] {
        syscall(SYS_futex, &word, FUTEX_WAIT, 0, nullptr, nullptr, 0);
        order.push_back(i);
      };
    };
    Result result = run(*strategy, {wait(0), wait(1), wait(2), [&] {
                                      for (int i = 0; i < 3; ++i) {
                                        EXPECT_EQ(syscall(SYS_futex, &word, FUTEX_WAKE, 1), 1);
                                        syscall(SYS_sched_yield);
                                      }
                                    }});
    EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
    EXPECT_EQ(order, strategy == &last ? (std::vector<int>{2, 1, 0}) : (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(result.deviations.empty(), strategy != &last);
  }
}

TEST(FutexTest, FollowsTheManual) {
  auto strategy = boring();
  Result result = run(*strategy, [] {
    uint32_t word = 5, other = 0;
    auto futex = [](uint32_t* at, int operation, uint32_t value, const timespec* time,
                    uint32_t* second, uint32_t third) {
      return syscall(SYS_futex, at, operation, value, time, second, third);
    };
    EXPECT_EQ(futex(&word, FUTEX_WAIT, 4, nullptr, nullptr, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
    timespec soon = {0, 1000}, bad = {0, 1'000'000'000};
    EXPECT_EQ(futex(&word, FUTEX_WAIT, 5, &soon, nullptr, 0), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(futex(&word, FUTEX_WAIT, 5, &bad, nullptr, 0), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(futex(&word, FUTEX_WAIT_BITSET, 5, nullptr, nullptr, 0), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(futex(&word, FUTEX_WAKE, 1, nullptr, nullptr, 0), 0);

    int woken = 0;
    auto wait = [&](uint32_t bits) {
      return [&, bits] {
        EXPECT_EQ(futex(&word, FUTEX_WAIT_BITSET, 5, nullptr, nullptr, bits), 0);
        ++woken;
      };
    };
    std::thread a(wait(1)), b(wait(2)), c(wait(2));
    for (int i = 0; i < 4; ++i) syscall(SYS_sched_yield);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET, 9, nullptr, nullptr, 4), 0);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET, 9, nullptr, nullptr, 1), 1);
    a.join();
    EXPECT_EQ(woken, 1);
    // The one that is not woken moves to the other word.
    auto* one = reinterpret_cast<const timespec*>(1);
    EXPECT_EQ(futex(&word, FUTEX_CMP_REQUEUE, 1, one, &other, 6), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(futex(&word, FUTEX_CMP_REQUEUE, 1, one, &other, 5), 2);
    EXPECT_EQ(futex(&word, FUTEX_WAKE, 9, nullptr, nullptr, 0), 0);
    EXPECT_EQ(futex(&other, FUTEX_WAKE, 9, nullptr, nullptr, 0), 1);
    b.join();
    c.join();
    EXPECT_EQ(woken, 3);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

TEST(WatchTest, SeesEachWriteToTheWatchedWord) {
  if (!kAtomicsArePoints) GTEST_SKIP() << "atomics are no points here";
  static std::vector<AtomicAccess> seen;
  seen.clear();
  auto strategy = boring();
  Result result = run(*strategy, [] {
    auto word = reinterpret_cast<uintptr_t>(pollux_watched_word());
    *pollux_watched_word() = 0;
    watch_atomics(
        word, 8,
        [](void* context, const AtomicAccess& access) {
          EXPECT_FALSE(shim::in_run());
          static_cast<std::vector<AtomicAccess>*>(context)->push_back(access);
        },
        &seen);
    pollux_write_watched();
  });
  EXPECT_EQ(result.verdict, Verdict::held);
  ASSERT_EQ(seen.size(), 4u);  // store, add, the compare-exchange that took, exchange
  const uint64_t after[] = {1, 3, 4, 5};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen[i].address, reinterpret_cast<uintptr_t>(pollux_watched_word()));
    EXPECT_EQ(seen[i].before, i == 0 ? 0 : after[i - 1]);
    EXPECT_EQ(seen[i].after, after[i]);
    EXPECT_EQ(seen[i].is_store, i == 0);
    EXPECT_EQ(seen[i].thread, 0);
  }
  // The next run is not watched.
  auto again = boring();
  run(*again, [] { pollux_write_watched(); });
  EXPECT_EQ(seen.size(), 4u);
}

TEST(CheckDeathTest, SaysWhatDidNotHold) {
  EXPECT_DEATH(POLLUX_EXPLORE_CHECK(1 + 1 == 3), "internal check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace pollux::explore_test
