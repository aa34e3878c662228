// SPDX-License-Identifier: MIT
#include "src/timer.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "support.h"

namespace netpoll::testing {
namespace {

void append_seq(void* out, uint64_t seq) {
  static_cast<std::vector<uint64_t>*>(out)->push_back(seq);
}

TEST(TimerHeapTest, RunsWhatIsDueInOrder) {
  timer_heap heap;
  std::vector<timer> timers(200);
  std::vector<uint64_t> ran;
  uint32_t random = 7;
  std::vector<uint64_t> expected;
  for (size_t i = 0; i < timers.size(); i++) {
    random = random * 1664525 + 1013904223;
    const int64_t when = 1 + random % 1000;
    heap.arm(timers[i], when, append_seq, &ran, static_cast<uint64_t>(when));
    if (when <= 500) expected.push_back(static_cast<uint64_t>(when));
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(heap.run(500), static_cast<int>(expected.size()));
  EXPECT_EQ(ran, expected);
  EXPECT_EQ(heap.size(), timers.size() - expected.size());
  EXPECT_GT(heap.earliest(), 500);
}

TEST(TimerHeapTest, TellsWhenTheEarliestBecameEarlier) {
  timer_heap heap;
  timer a, b, c;
  std::vector<uint64_t> ran;
  bool earlier = false;
  EXPECT_TRUE(heap.arm(a, 100, append_seq, &ran, 1));
  EXPECT_FALSE(heap.arm(b, 200, append_seq, &ran, 2));
  EXPECT_TRUE(heap.arm(c, 50, append_seq, &ran, 3));
  EXPECT_TRUE(heap.rearm(c, 300, append_seq, &ran, 4, &earlier));
  EXPECT_FALSE(earlier);
  EXPECT_LE(heap.earliest(), 100);  // lazy: may still say 50
  EXPECT_TRUE(heap.rearm(b, 10, append_seq, &ran, 5, &earlier));
  EXPECT_TRUE(earlier);
  EXPECT_TRUE(heap.stop(b));
  EXPECT_FALSE(heap.stop(b));
  EXPECT_LE(heap.earliest(), 100);
  EXPECT_FALSE(heap.rearm(b, 10, append_seq, &ran, 6, &earlier));  // not armed any more
  EXPECT_EQ(heap.run(1000), 2);
  EXPECT_EQ(ran, (std::vector<uint64_t>{1, 4}));
  EXPECT_EQ(heap.earliest(), 0);
}

TEST(TimerHeapTest, RandomStopsAndMovesKeepTheOrder) {
  timer_heap heap;
  std::vector<timer> timers(64);
  std::vector<int64_t> when(timers.size(), 0);
  std::vector<uint64_t> ran;
  uint32_t random = 99;
  const auto next = [&] { return (random = random * 1664525 + 1013904223) >> 8; };
  for (int step = 0; step < 20000; step++) {
    const size_t i = next() % timers.size();
    bool earlier;
    if (next() % 3 == 0) {
      heap.stop(timers[i]);
      when[i] = 0;
    } else {
      when[i] = 1 + next() % 5000;
      const uint64_t seq = static_cast<uint64_t>(when[i]);
      if (!heap.rearm(timers[i], when[i], append_seq, &ran, seq, &earlier)) {
        heap.arm(timers[i], when[i], append_seq, &ran, seq);
      }
    }
    int64_t first = 0;
    for (int64_t w : when) {
      if (w != 0 && (first == 0 || w < first)) first = w;
    }
    // Never too late, and not for ever too early: running at that time puts it right.
    ASSERT_LE(heap.earliest(), first);
    ASSERT_EQ(heap.earliest() == 0, first == 0);
  }
  std::vector<uint64_t> expected;
  for (int64_t w : when) {
    if (w != 0) expected.push_back(static_cast<uint64_t>(w));
  }
  std::sort(expected.begin(), expected.end());
  heap.run(INT64_MAX);
  EXPECT_EQ(ran, expected);
}

TEST(TimerHeapTest, ATimerMovedLaterIsFoundOutWhenItsOldTimeComes) {
  timer_heap heap;
  timer a, b;
  std::vector<uint64_t> ran;
  bool earlier;
  heap.arm(a, 10, append_seq, &ran, 1);
  heap.arm(b, 100, append_seq, &ran, 2);
  for (int64_t t = 20; t <= 500; t++) ASSERT_TRUE(heap.rearm(a, t, append_seq, &ran, 1, &earlier));
  EXPECT_EQ(heap.run(50), 0);
  EXPECT_EQ(heap.earliest(), 100);
  EXPECT_EQ(heap.run(499), 1);
  EXPECT_EQ(heap.earliest(), 500);
  EXPECT_EQ(heap.run(500), 1);
  EXPECT_EQ(ran, (std::vector<uint64_t>{2, 1}));
  EXPECT_EQ(heap.earliest(), 0);
}

TEST(TimerHeapTest, WhoIsInAHeapThatIsDroppedIsTold) {
  timer_heap heap;
  timer a, b;
  std::vector<uint64_t> ran;
  heap.arm(a, 10, append_seq, &ran, 1);
  heap.arm(b, 20, append_seq, &ran, 2);
  heap.drop_all();
  EXPECT_EQ(ran, (std::vector<uint64_t>{timer_dropped, timer_dropped}));
  EXPECT_EQ(heap.size(), 0u);
}

TEST(TimerHeapTest, CallbacksMayArmAndStopTimersOfTheSameHeap) {
  struct context {
    timer_heap heap;
    timer first, second, third;
    int runs = 0;
  } c;
  c.heap.arm(
      c.third, 3, [](void*, uint64_t) { FAIL() << "was stopped"; }, nullptr, 0);
  c.heap.arm(
      c.first, 1,
      [](void* arg, uint64_t) {
        auto& x = *static_cast<context*>(arg);
        x.runs++;
        x.heap.stop(x.third);
        x.heap.arm(
            x.second, 2, [](void* a, uint64_t) { static_cast<context*>(a)->runs++; }, arg, 0);
      },
      &c, 0);
  EXPECT_EQ(c.heap.run(10), 2);
  EXPECT_EQ(c.runs, 2);
}

TEST(TimerHeapDeathTest, TimesMustBePositive) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        timer_heap h;
        timer t;
        h.arm(t, 0, append_seq, nullptr, 0);
      },
      "timer when must be positive");
}

class SleepTest : public WorkersTest {};

TEST_P(SleepTest, NeverReturnsEarly) {
  run([](Runtime&) {
    WaitGroup done;
    done.add(20);
    for (int i = 0; i < 20; i++) {
      go([&, i] {
        const auto d = std::chrono::microseconds(300 + 1700 * i);
        const auto start = Clock::now();
        sleep_for(d);
        EXPECT_GE(Clock::now() - start, d);
        done.done();
      });
    }
    done.wait();
  });
}

TEST_P(SleepTest, AShorterSleepOvertakesALongerOne) {
  run([](Runtime&) {
    std::vector<int> order;
    WaitGroup done;
    done.add(2);
    std::atomic<bool> first_started{false};
    std::mutex lock;
    go([&] {
      first_started = true;
      sleep_for(milliseconds(300));
      {
        std::lock_guard<std::mutex> hold(lock);
        order.push_back(300);
      }
      done.done();
    });
    ASSERT_TRUE(eventually([&] { return first_started.load(); }));
    go([&] {
      sleep_for(milliseconds(5));
      {
        std::lock_guard<std::mutex> hold(lock);
        order.push_back(5);
      }
      done.done();
    });
    done.wait();
    EXPECT_EQ(order, (std::vector<int>{5, 300}));
  });
}

TEST_P(SleepTest, FiresWhileOtherGoroutinesKeepEveryWorkerBusy) {
  run([](Runtime& runtime) {
    std::atomic<bool> stop{false};
    WaitGroup done;
    done.add(runtime.workers());
    for (int i = 0; i < runtime.workers(); i++) {
      go([&] {
        while (!stop) yield();
        done.done();
      });
    }
    sleep_for(milliseconds(5));  // would hang
    stop = true;
    done.wait();
  });
}

NETPOLL_FOR_WORKERS(SleepTest);

}  // namespace
}  // namespace netpoll::testing
