// SPDX-License-Identifier: MIT
//
// Each judge meets a program that it must convict and one, as similar as possible, that it must
// acquit.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "pollux/world.h"

namespace pollux {
namespace {

RunResult run_with(const std::unique_ptr<Strategy>& strategy, const std::function<void()>& body,
                   RunOptions options = {}) {
  options.strategy = strategy.get();
  World world(options);
  world.add_thread("main", 0, body);
  return world.run();
}

RunResult run_boring(const std::function<void()>& body, RunOptions options = {}) {
  return run_with(make_replay_strategy({}), body, options);
}

void add(int epoll, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

TEST(Judges, EndedProgramHolds) {
  const RunResult result = run_boring([] {
    const int fd = eventfd(0, EFD_NONBLOCK);
    close(fd);
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_GE(result.calls, 2u);
}

TEST(Judges, LeftOverDescriptorIsALeak) {
  const RunResult result = run_boring([] { eventfd(0, EFD_NONBLOCK); });
  EXPECT_EQ(result.verdict, Verdict::leaked_fd);
  EXPECT_NE(result.reason.find("eventfd"), std::string::npos) << result.reason;
}

TEST(Judges, LeakCheckCanBeSwitchedOff) {
  RunOptions options;
  options.check_leaks = false;
  EXPECT_EQ(run_boring([] { eventfd(0, EFD_NONBLOCK); }, options).verdict, Verdict::held);
}

TEST(Judges, TwoMutexesInOppositeOrderDeadlock) {
  std::mutex first, second;
  const auto both = [](std::mutex& a, std::mutex& b) {
    const std::lock_guard outer(a);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard inner(b);
  };
  const RunResult result = run_boring([&] {
    std::thread other([&] { both(second, first); });
    both(first, second);
    other.join();
  });
  EXPECT_EQ(result.verdict, Verdict::deadlock);
  EXPECT_NE(result.reason.find("mutex"), std::string::npos) << result.reason;
}

TEST(Judges, TwoMutexesInTheSameOrderHold) {
  std::mutex first, second;
  const auto both = [&] {
    const std::lock_guard outer(first);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard inner(second);
  };
  const RunResult result = run_boring([&] {
    std::thread other(both);
    both();
    other.join();
  });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

// Reads one of two counts' worth of an edge-triggered semaphore and waits for an edge that nobody
// owes.
void take_from_semaphore(bool drain) {
  const int event = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  const int epoll = epoll_create1(0);
  add(epoll, event, EPOLLIN | EPOLLET);
  for (int taken = 0; taken < 2;) {
    epoll_event got{};
    epoll_wait(epoll, &got, 1, -1);
    uint64_t value = 0;
    while (taken < 2 && read(event, &value, sizeof value) == sizeof value) {
      ++taken;
      if (!drain) break;
    }
  }
  close(epoll);
  close(event);
}

TEST(Judges, EdgeNotDrainedIsALostWakeup) {
  const RunResult result = run_boring([] { take_from_semaphore(false); });
  EXPECT_EQ(result.verdict, Verdict::lost_wakeup);
  EXPECT_NE(result.reason.find("fd 64"), std::string::npos) << result.reason;
}

TEST(Judges, EdgeDrainedHolds) {
  EXPECT_EQ(run_boring([] { take_from_semaphore(true); }).verdict, Verdict::held);
}

TEST(Judges, WaitingForNothingIsADeadlockNotALostWakeup) {
  const RunResult result = run_boring([] {
    const int event = eventfd(0, EFD_NONBLOCK);
    const int epoll = epoll_create1(0);
    add(epoll, event, EPOLLIN | EPOLLET);
    epoll_event got{};
    epoll_wait(epoll, &got, 1, -1);
  });
  EXPECT_EQ(result.verdict, Verdict::deadlock) << result.reason;
}

// Level-triggered and never read: epoll_wait returns for ever.
void poll_without_reading(int rounds, bool read_it) {
  const int event = eventfd(1, EFD_NONBLOCK);
  const int epoll = epoll_create1(0);
  add(epoll, event, EPOLLIN);
  for (int i = 0; i < rounds; ++i) {
    epoll_event got{};
    epoll_wait(epoll, &got, 1, -1);
    if (!read_it) continue;
    uint64_t value = 1;
    EXPECT_EQ(read(event, &value, sizeof value), 8);
    EXPECT_EQ(write(event, &value, sizeof value), 8);
  }
  close(epoll);
  close(event);
}

TEST(Judges, ManyReturnsWithoutProgressSpin) {
  EXPECT_EQ(run_boring([] { poll_without_reading(1 << 20, false); }).verdict, Verdict::busy_spin);
}

TEST(Judges, ManyReturnsWithProgressHold) {
  EXPECT_EQ(run_boring([] { poll_without_reading(10'000, true); }).verdict, Verdict::held);
}

// Level-triggered, and read by another thread, if it is given the time.
void poll_until_another_reads(int calls_before = 0) {
  const int event = eventfd(1, EFD_NONBLOCK);
  const int later = timerfd_create(CLOCK_MONOTONIC, 0);
  const int epoll = epoll_create1(0);
  add(epoll, event, EPOLLIN);
  const itimerspec in_ten_ms = {{}, {0, 10'000'000}};
  timerfd_settime(later, 0, &in_ten_ms, nullptr);
  std::thread reader([&] {
    for (int i = 0; i < calls_before; ++i) fcntl(event, F_GETFL);
    uint64_t value = 0;
    EXPECT_EQ(read(event, &value, sizeof value), 8);
  });
  epoll_event got{};
  while (epoll_wait(epoll, &got, 1, 0) == 1) {
  }
  reader.join();
  for (const int fd : {epoll, later, event}) close(fd);
}

TEST(Judges, PollingForAThreadThatTheScheduleLeavesOutHolds) {
  const RunResult result = run_boring([] { poll_until_another_reads(); });
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
}

// Priorities must not take back at the next point what a poll gave away.
TEST(Judges, PollingForAThreadOfLowerPriorityHolds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const RunResult result =
        run_with(make_pct_strategy(seed, 3, 100, {}, 1.0), [] { poll_until_another_reads(100); });
    EXPECT_EQ(result.verdict, Verdict::held) << seed << ": " << result.reason;
  }
}

TEST(Judges, PollingForAThreadThatIsHeldUpHolds) {
  RunOptions options;
  options.spin_returns_max = 100;  // more than it takes until the reader begins
  const Deviation held = {1, site::kPoint, 0, 1 + kNobody};
  const RunResult result = run_with(
      make_replay_strategy({held}), [] { poll_until_another_reads(); }, options);
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(result.deviations, std::vector{held});
  EXPECT_GT(result.calls, 200u);
}

TEST(Judges, PropertyOfTheSuiteIsAViolation) {
  const RunResult result = run_boring([] { fail("sums", "1 + 1 is 3"); });
  EXPECT_EQ(result.verdict, Verdict::violation);
  EXPECT_EQ(result.reason, "sums: 1 + 1 is 3");
}

TEST(Judges, PeriodicTimerThatServesNobodyEndsAtTheTimeLimit) {
  RunOptions options;
  options.virtual_time_max_ns = 10'000'000'000;
  const RunResult result = run_boring(
      [] {
        const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        itimerspec every{};
        every.it_value.tv_sec = every.it_interval.tv_sec = 1;
        timerfd_settime(timer, 0, &every, nullptr);
        const int epoll = epoll_create1(0);
        add(epoll, timer, EPOLLIN);
        for (;;) {
          epoll_event got{};
          epoll_wait(epoll, &got, 1, -1);
          uint64_t ticks = 0;
          EXPECT_EQ(read(timer, &ticks, sizeof ticks), 8);
        }
      },
      options);
  EXPECT_EQ(result.verdict, Verdict::time_limit);
}

TEST(Judges, CallThatTheTwinDoesNotModelStopsTheRunWithItsName) {
  const RunResult result = run_boring([] { socket(AF_INET, SOCK_RAW, 0); });
  EXPECT_EQ(result.verdict, Verdict::unmodelled);
  EXPECT_NE(result.reason.find("socket"), std::string::npos) << result.reason;
}

}  // namespace
}  // namespace pollux
