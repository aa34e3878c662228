// SPDX-License-Identifier: MIT
// Timers and tickers as users see them: Go's time/sleep_test.go and tick_test.go.
#include "netpoll/time.h"

#include <atomic>

#include "count_allocations.h"
#include "netpoll/select.h"
#include "support.h"

namespace netpoll::testing {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

class TimeTest : public WorkersTest {};

TEST_P(TimeTest, ATimerSendsTheInstantAndNeverEarly) {
  run([](Runtime&) {
    for (auto d : {microseconds(-5), microseconds(0), microseconds(700), microseconds(5000)}) {
      const auto start = Clock::now();
      Timer t(d);
      const auto r = t.channel().recv();
      EXPECT_TRUE(r.ok);
      EXPECT_GE(Clock::now() - start, d);
      EXPECT_GE(r.value - start, d);
      EXPECT_FALSE(t.stop());
    }
  });
}

TEST_P(TimeTest, StopPreventsOrIsTooLate) {
  run([](Runtime& runtime) {
    Timer t(hours(1));
    EXPECT_EQ(runtime.counters().armed_timers, 1u);
    EXPECT_TRUE(t.stop());
    EXPECT_FALSE(t.stop());
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
    EXPECT_FALSE(t.channel().try_recv());

    // Fired but not received: stop takes it back.
    Timer fired(milliseconds(0));
    ASSERT_TRUE(eventually([&] { return fired.channel().size() == 1; }));
    EXPECT_TRUE(fired.stop());
    EXPECT_FALSE(fired.channel().try_recv());
  });
}

TEST_P(TimeTest, ResetMovesEarlierAndLater) {
  run([](Runtime&) {
    const auto start = Clock::now();
    Timer t(hours(1));
    EXPECT_TRUE(t.reset(milliseconds(2)));  // would take an hour
    EXPECT_TRUE(t.channel().recv().ok);
    EXPECT_GE(Clock::now() - start, milliseconds(2));
    EXPECT_FALSE(t.reset(milliseconds(1)));
    const auto again = Clock::now();
    EXPECT_TRUE(t.reset(milliseconds(30)));
    t.channel().recv();
    EXPECT_GE(Clock::now() - again, milliseconds(30));
    // A value that was not received before the reset is gone.
    t.reset(milliseconds(0));
    ASSERT_TRUE(eventually([&] { return t.channel().size() == 1; }));
    EXPECT_TRUE(t.reset(hours(1)));
    EXPECT_FALSE(t.channel().try_recv());
    EXPECT_TRUE(t.stop());
  });
}

TEST_P(TimeTest, AfterFuncRunsInItsOwnGoroutine) {
  run([](Runtime&) {
    Semaphore ran;
    std::atomic<int> runs{0};
    Timer t = after_func(milliseconds(1), [&] {
      yield();  // may wait
      runs++;
      ran.release();
    });
    EXPECT_EQ(t.channel(), Receiver<Instant>(nullptr));
    ran.acquire();
    EXPECT_FALSE(t.stop());
    EXPECT_FALSE(t.reset(milliseconds(1)));
    ran.acquire();
    EXPECT_EQ(runs, 2);
    t.reset(hours(1));
    EXPECT_TRUE(t.stop());
    after_func(microseconds(10),
               [&] { ran.release(); });  // the handle is dropped, the timer is not
    ran.acquire();
  });
}

// TestAfterStress: timers made, moved, stopped and fired by many goroutines at once.
TEST_P(TimeTest, StressedNothingIsLostOrLeaked) {
  run([](Runtime& runtime) {
    WaitGroup done;
    std::atomic<int> fired{0}, stopped{0};
    constexpr int goroutines = 8, each = 100;
    for (int k = 0; k < goroutines; k++) {
      done.go([&, k] {
        for (int i = 0; i < each; i++) {
          done.add(1);
          Timer t = after_func(microseconds((i * 37 + k * 11) % 900), [&] {
            fired++;
            done.done();
          });
          if (i % 3 == 0) yield();
          if (i % 2 == 0 && t.stop()) {
            stopped++;
            done.done();
          }
        }
      });
    }
    done.wait();
    EXPECT_EQ(fired + stopped, goroutines * each);
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
  });
}

TEST_P(TimeTest, AfterIsForSelect) {
  run([](Runtime&) {
    Channel<int> never;
    EXPECT_EQ(select(receive(never), receive(after(milliseconds(1)))), 1);
    Channel<int> ready(1);
    ready.send(1);
    EXPECT_EQ(select(receive(ready), receive(after(milliseconds(50)))), 0);
    sleep_for(milliseconds(60));  // let the forgotten timer fire into its forgotten channel
  });
}

TEST_P(TimeTest, ATickerTicksAndDropsTicksForSlowReceivers) {
  run([](Runtime& runtime) {
    const auto start = Clock::now();
    Ticker t(milliseconds(2));
    for (int i = 1; i <= 5; i++) {
      EXPECT_TRUE(t.channel().recv().ok);
      EXPECT_GE(Clock::now() - start, milliseconds(2) * i);
    }
    sleep_for(milliseconds(20));
    EXPECT_LE(t.channel().size(), 1u);
    t.stop();
    EXPECT_FALSE(t.channel().try_recv()) << "no tick after stop";
    EXPECT_EQ(runtime.counters().armed_timers, 0u);
    const auto again = Clock::now();
    t.reset(milliseconds(1));
    t.channel().recv();
    EXPECT_GE(Clock::now() - again, milliseconds(1));
    { Ticker dropped(hours(1)); }
    EXPECT_LE(runtime.counters().armed_timers, 1u) << "destroying a ticker stops it";
  });
}

TEST_P(TimeTest, MovingATimerDoesNotAllocate) {
  run([](Runtime& runtime) {
    Timer t(hours(1));
    for (int i = 0; i < 10; i++) t.reset(hours(1));
    const uint64_t before = allocations();
    for (int i = 0; i < 1000; i++) t.reset(hours(1) + std::chrono::seconds(i % 7));
    EXPECT_LE(allocations() - before, static_cast<uint64_t>(runtime.workers()));
    EXPECT_TRUE(t.stop());
  });
}

NETPOLL_FOR_WORKERS(TimeTest);

TEST(TimerLifetimeTest, ATimerMayOutliveItsRuntime) {
  std::optional<Timer> kept;
  {
    Runtime runtime(with_workers(2));
    runtime.run([&] {
      kept.emplace(hours(1));
      after_func(hours(1), [] { FAIL() << "never"; });
    });
    EXPECT_EQ(runtime.counters().armed_timers, 2u);
  }
  EXPECT_FALSE(kept->stop());
}

TEST(TimerLifetimeTest, AnArmedTimerFiresInTheNextRun) {
  Runtime runtime(with_workers(1));
  std::optional<Timer> kept;
  runtime.run([&] { kept.emplace(milliseconds(1)); });
  runtime.run([&] { EXPECT_TRUE(kept->channel().recv().ok); });
}

TEST(TimeDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Timer(milliseconds(1)), "outside a goroutine");
  EXPECT_DEATH(
      {
        Runtime runtime(with_workers(1));
        runtime.run([] { Ticker t(milliseconds(0)); });
      },
      "non-positive interval");
}

}  // namespace
}  // namespace netpoll::testing
