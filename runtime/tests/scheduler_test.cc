// SPDX-License-Identifier: MIT
#include "src/scheduler.h"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "src/park.h"
#include "src/run_queue.h"
#include "support.h"

namespace netpoll::testing {
namespace {

TEST(RunQueueTest, NextGoesFirstThenFirstInFirstOut) {
  run_queue q;
  g gs[4];
  EXPECT_TRUE(q.empty());
  EXPECT_TRUE(q.put(&gs[0], false).empty());
  EXPECT_TRUE(q.put(&gs[1], false).empty());
  EXPECT_TRUE(q.put(&gs[2], true).empty());
  EXPECT_TRUE(q.put(&gs[3], true).empty());  // replaces gs[2], which goes to the tail
  EXPECT_FALSE(q.empty());
  for (int i : {3, 0, 1, 2}) EXPECT_EQ(q.get(), &gs[i]);
  EXPECT_EQ(q.get(), nullptr);
  EXPECT_TRUE(q.empty());
}

TEST(RunQueueTest, OverflowHandsOutTheOlderHalf) {
  run_queue q;
  std::vector<g> gs(run_queue::capacity + 1);
  for (uint32_t i = 0; i < run_queue::capacity; i++) ASSERT_TRUE(q.put(&gs[i], false).empty());
  g_list overflow = q.put(&gs.back(), false);
  EXPECT_EQ(overflow.size(), run_queue::capacity / 2 + 1);
  EXPECT_EQ(overflow.pop_front(), &gs[0]);
  EXPECT_EQ(q.get(), &gs[run_queue::capacity / 2]);
}

TEST(RunQueueTest, ThievesTakeHalfAndTheNextOneOnlyWhenAsked) {
  run_queue a, b;
  g gs[5];
  for (int i = 0; i < 4; i++) ASSERT_TRUE(a.put(&gs[i], false).empty());
  EXPECT_NE(b.steal_from(a, false), nullptr);
  EXPECT_NE(b.get(), nullptr);
  EXPECT_EQ(b.get(), nullptr);
  EXPECT_EQ(a.get(), &gs[2]);
  EXPECT_EQ(a.get(), &gs[3]);
  ASSERT_TRUE(a.put(&gs[4], true).empty());
  EXPECT_EQ(b.steal_from(a, false), nullptr);
  EXPECT_EQ(b.steal_from(a, true), &gs[4]);
  EXPECT_TRUE(a.empty());
}

TEST(RunQueueTest, EveryGoroutineIsTakenExactlyOnce) {
  constexpr int count = 20000;
  std::vector<g> gs(count);
  std::vector<std::atomic<int>> taken(count);
  run_queue owner;
  std::atomic<bool> stop{false};
  const auto take = [&](g* gp) { taken[gp - gs.data()].fetch_add(1); };
  std::vector<std::thread> thieves;
  for (int t = 0; t < 2; t++) {
    thieves.emplace_back([&] {
      run_queue mine;
      while (!stop) {
        for (g* gp = mine.steal_from(owner, true); gp; gp = mine.get()) take(gp);
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < count; i++) {
    g_list overflow = owner.put(&gs[i], i % 3 == 0);
    while (g* gp = overflow.pop_front()) take(gp);
    if (i % 5 == 0) {
      if (g* gp = owner.get()) take(gp);
    }
  }
  while (g* gp = owner.get()) take(gp);
  stop = true;
  for (auto& t : thieves) t.join();
  for (int i = 0; i < count; i++) ASSERT_EQ(taken[i], 1) << i;
}

class SchedulerTest : public WorkersTest {};

TEST_P(SchedulerTest, RunReturnsWhenEveryGoroutineHasEnded) {
  std::atomic<int> ended{0};
  run([&](Runtime&) {
    for (int i = 0; i < 10; i++) {
      go([&] {
        for (int k = 0; k < 5; k++) yield();
        go([&] {
          sleep_for(milliseconds(1));
          ended++;
        });
        ended++;
      });
    }
  });
  EXPECT_EQ(ended, 20);
}

TEST_P(SchedulerTest, ThousandsOfGoroutines) {
  constexpr int count = 5000;
  std::atomic<int> sum{0};
  run([&](Runtime&) {
    WaitGroup started, release, done;
    started.add(count);
    release.add(1);
    done.add(count);
    for (int i = 0; i < count; i++) {
      go([&, i] {
        started.done();
        release.wait();
        sum += i;
        done.done();
      });
    }
    started.wait();  // all alive and parked at the same time
    release.done();
    done.wait();
  });
  EXPECT_EQ(sum, count * (count - 1) / 2);
}

TEST_P(SchedulerTest, RunMayBeCalledAgain) {
  Runtime runtime(with_workers(GetParam()));
  for (int i = 0; i < 20; i++) {
    int ran = 0;
    runtime.run([&] {
      WaitGroup wg;
      wg.add(1);
      go([&] { wg.done(); });
      wg.wait();
      ran++;
    });
    EXPECT_EQ(ran, 1);
  }
}

TEST_P(SchedulerTest, ManyRuntimesLiveAndDie) {
  for (int i = 0; i < 200; i++) {
    Runtime runtime(with_workers(GetParam()));
    std::atomic<int> ran{0};
    runtime.run([&] {
      for (int k = 0; k < 4; k++) go([&] { ran++; });
    });
    ASSERT_EQ(ran, 4);
  }
}

TEST_P(SchedulerTest, SemaphoreHandsTokensOverInOrder) {
  run([](Runtime&) {
    Semaphore ping, pong;
    constexpr int rounds = 20000;
    go([&] {
      for (int i = 0; i < rounds; i++) {
        ping.acquire();
        pong.release();
      }
    });
    for (int i = 0; i < rounds; i++) {
      ping.release();
      pong.acquire();
    }
    EXPECT_EQ(ping.tokens() + pong.tokens(), 0u);
  });
}

TEST_P(SchedulerTest, ParkAndWakeInEitherOrder) {
  run([](Runtime&) {
    for (int i = 0; i < 2000; i++) {
      park_slot slot;
      go([&] { slot.wake(); });
      if (i % 2) yield();
      slot.wait(wait_reason::semaphore);
    }
  });
}

TEST_P(SchedulerTest, YieldLetsEverybodyRun) {
  run([](Runtime&) {
    std::atomic<int> turn{0};
    WaitGroup done;
    done.add(3);
    for (int me = 0; me < 3; me++) {
      go([&, me] {
        for (int i = 0; i < 100; i++) {
          while (turn % 3 != me) yield();
          turn++;
        }
        done.done();
      });
    }
    done.wait();
    EXPECT_EQ(turn, 300);
  });
}

int depth(int n) {
  volatile char pad[256];
  pad[0] = static_cast<char>(n);
  if (n == 0) {
    yield();
    return 0;
  }
  return depth(n - 1) + (pad[0] == static_cast<char>(n));
}

TEST_P(SchedulerTest, ExceptionsSurviveParkingInACatchBlock) {
  run([](Runtime&) {
    WaitGroup done;
    done.add(16);
    for (int i = 0; i < 16; i++) {
      go([&, i] {
        const std::string mine = std::to_string(i);
        for (int k = 0; k < 50; k++) {
          try {
            throw std::runtime_error(mine);
          } catch (const std::exception&) {
            yield();
            EXPECT_EQ(depth(20), 20);
            try {
              throw;  // the exception of this goroutine, not of one that shared the thread
            } catch (const std::exception& again) {
              EXPECT_EQ(again.what(), mine);
            }
          }
        }
        done.done();
      });
    }
    done.wait();
  });
}

TEST(StealTest, WorkReadiedOnOneWorkerIsRunByAnother) {
  Runtime runtime(with_workers(2));
  std::atomic<bool> helped{false};
  runtime.run([&] {
    go([&] { helped = true; });
    // Holds its worker without yielding: only the other worker can run the goroutine.
    const auto give_up = Clock::now() + std::chrono::seconds(10);
    while (!helped && Clock::now() < give_up) std::this_thread::yield();
    EXPECT_TRUE(helped);
  });
}

TEST(SysmonTest, FindsIoWhileTheOnlyOtherWorkerIsBusy) {
  Runtime runtime(with_workers(2));
  runtime.run([&] {
    Pair p = connected_pair();
    std::atomic<bool> got{false};
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).n, 1u);
      got = true;
    });
    ASSERT_TRUE(parked(runtime, 1));
    std::atomic<bool> hog{true};
    go([&] {
      while (hog && !got) std::this_thread::yield();  // of the processor, not of the worker
    });
    ASSERT_EQ(p.client.write("x", 1).n, 1u);
    const auto give_up = Clock::now() + std::chrono::seconds(10);
    while (!got && Clock::now() < give_up) yield();
    EXPECT_TRUE(got);
    hog = false;
  });
}

TEST(SysmonTest, TheOnlyWorkerFindsIoItselfWhileGoroutinesKeepItBusy) {
  Runtime runtime(with_workers(1));
  runtime.run([&] {
    Pair p = connected_pair();
    bool got = false;
    go([&] {
      char c;
      EXPECT_EQ(p.server.read(&c, 1).n, 1u);
      got = true;
    });
    while (runtime.counters().netpoll_waiters == 0) yield();
    ASSERT_EQ(p.client.write("x", 1).n, 1u);
    int slices = 0;
    for (; !got && slices < 1000; slices++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // keeps the worker
      yield();
    }
    EXPECT_LT(slices, 200);  // at the second look at the clock at the latest, not after 976
  });
}

TEST(RuntimeTest, TheCallersThreadIsTheFirstWorker) {
  const std::thread::id caller = std::this_thread::get_id();
  Runtime runtime(with_workers(1));
  std::thread::id inside;
  runtime.run([&] { inside = std::this_thread::get_id(); });
  EXPECT_EQ(inside, caller);
}

TEST(RuntimeTest, AGoroutineMayRunAnotherRuntime) {
  const std::thread::id caller = std::this_thread::get_id();
  Runtime outer(with_workers(1));
  int ran = 0;
  outer.run([&] {
    Runtime inner(with_workers(1));
    inner.run([&] {
      EXPECT_NE(std::this_thread::get_id(), caller);  // not on the goroutine's small stack
      go([&] { ran++; });
      ran++;
    });
    yield();  // still a goroutine of the outer one
    ran++;
  });
  EXPECT_EQ(ran, 3);
}

TEST(RuntimeDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(go([] {}), "go called outside a goroutine");
  EXPECT_DEATH(
      {
        Semaphore s;
        s.acquire();
      },
      "outside a goroutine");
  EXPECT_DEATH(
      {
        Runtime r(with_workers(2));
        r.run([] {
          Semaphore s;
          s.acquire();
        });
      },
      "all goroutines are asleep - deadlock!");
  EXPECT_DEATH(
      {
        Runtime r(with_workers(1));
        r.run([] { throw std::runtime_error("nobody catches this"); });
      },
      "nobody catches this");
  EXPECT_DEATH(
      {
        TcpListener kept;
        Runtime r(with_workers(1));
        r.run([&] { kept = listen_tcp(Ipv4Endpoint::loopback(0)).value; });
        r.~Runtime();
      },
      "Runtime destroyed before its connections");
}

NETPOLL_FOR_WORKERS(SchedulerTest);

}  // namespace
}  // namespace netpoll::testing
