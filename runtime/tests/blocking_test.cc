// SPDX-License-Identifier: MIT
// Calls that block their thread, and what goes on meanwhile.
#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "support.h"

namespace netpoll::testing {
namespace {

class BlockingTest : public WorkersTest {};

TEST_P(BlockingTest, ReturnsWhatTheFunctionReturns) {
  run([](Runtime&) {
    EXPECT_EQ(blocking([] { return std::string("value"); }), "value");
    EXPECT_EQ(*blocking([] { return std::make_unique<int>(7); }), 7);
    int n = 0;
    blocking([&] { n = 1; });
    EXPECT_EQ(n, 1);
    EXPECT_THROW(blocking([] { throw std::runtime_error("from the call"); }), std::runtime_error);
  });
}

// #5216: the only worker serves goroutines, I/O and timers although one of its goroutines is in a
// call that returns only after all that.
TEST_P(BlockingTest, TheWorkerServesTheOthersMeanwhile) {
  run([](Runtime& runtime) {
    Pair p = connected_pair();
    std::latch served(3);
    WaitGroup done;
    done.go([&] {
      EXPECT_EQ(read_exactly(p.server, 1), "x");
      served.count_down();
    });
    ASSERT_TRUE(parked(runtime, 1));
    done.go([&] { blocking([&] { served.wait(); }); });
    done.go([&] {
      sleep_for(milliseconds(1));
      served.count_down();
    });
    yield();
    EXPECT_EQ(p.client.write("x", 1).n, 1u);
    served.count_down();
    done.wait();
  });
}

TEST_P(BlockingTest, CallsDoNotWaitForEachOther) {
  run([](Runtime&) {
    constexpr int calls = 20;
    for (int round = 0; round < 3; round++) {
      std::latch all(calls);
      WaitGroup done;
      for (int i = 0; i < calls; i++) {
        done.go([&] { blocking([&] { all.arrive_and_wait(); }); });
      }
      done.wait();
    }
  });
}

TEST_P(BlockingTest, ManyShortCalls) {
  run([](Runtime&) {
    std::atomic<int> sum{0};
    WaitGroup done;
    for (int k = 0; k < 8; k++) {
      done.go([&] {
        for (int i = 0; i < 100; i++) sum += blocking([i] { return i; });
      });
    }
    done.wait();
    EXPECT_EQ(sum, 8 * 4950);
  });
}

TEST_P(BlockingTest, ARuntimeThatOnlyWaitsForACallIsNotDeadlocked) {
  run([](Runtime&) {
    for (int i = 0; i < 5; i++) {
      // Not a synchronisation: gives the workers time to look for a deadlock.
      blocking([] { std::this_thread::sleep_for(milliseconds(5)); });
    }
  });
}

NETPOLL_FOR_WORKERS(BlockingTest);

TEST(BlockingDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(blocking([] {}), "blocking called outside a goroutine");
  EXPECT_DEATH(
      {
        Runtime runtime(with_workers(2));
        runtime.run([] { blocking([] { sleep_for(milliseconds(1)); }); });
      },
      "sleep_for called outside a goroutine.*goroutine 1 \\[(running|blocking call)");
  EXPECT_DEATH(
      {
        Runtime runtime(with_workers(2));
        runtime.run([] {
          blocking([] {});
          Semaphore().acquire();
        });
      },
      "asleep - deadlock");
}

}  // namespace
}  // namespace netpoll::testing
