// SPDX-License-Identifier: MIT
#include "netpoll/sync.h"

#include <atomic>
#include <shared_mutex>
#include <stdexcept>
#include <vector>

#include "support.h"

namespace netpoll::testing {
namespace {

class SyncTest : public WorkersTest {};

TEST_P(SyncTest, MutexExcludes) {
  run([](Runtime&) {
    Mutex mutex;
    int counter = 0;  // not atomic
    WaitGroup done;
    for (int i = 0; i < 8; i++) {
      done.go([&] {
        for (int k = 0; k < 500; k++) {
          std::lock_guard<Mutex> hold(mutex);
          const int before = counter;
          if (k % 16 == 0) yield();
          counter = before + 1;
        }
      });
    }
    done.wait();
    EXPECT_EQ(counter, 4000);
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock());
    mutex.unlock();
  });
}

// Go's TestMutexFairness: a goroutine that holds the mutex nearly always does not starve another.
TEST_P(SyncTest, MutexIsHandedToWhoWaitsLongest) {
  run([](Runtime&) {
    Mutex mutex;
    std::atomic<bool> stop{false};
    WaitGroup done;
    done.go([&] {
      while (!stop) {
        mutex.lock();
        yield();
        mutex.unlock();
        // No yield here: without a hand-over it would have the mutex again at once, for ever.
        mutex.lock();
        mutex.unlock();
        yield();
      }
    });
    for (int i = 0; i < 20; i++) {
      mutex.lock();
      mutex.unlock();
      yield();
    }
    stop = true;
    done.wait();

    std::vector<int> order;
    mutex.lock();
    for (int i = 0; i < 5; i++) {
      std::atomic<bool> started{false};
      done.go([&, i] {
        started = true;
        std::lock_guard<Mutex> hold(mutex);
        order.push_back(i);
      });
      ASSERT_TRUE(eventually([&] { return started.load(); }));
      for (int k = 0; k < 20; k++) yield();
    }
    mutex.unlock();
    done.wait();
    EXPECT_EQ(order.size(), 5u);
    // With one worker it is certain that each was queued before the next started.
    if (GetParam() == 1) {
      EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    }
  });
}

// As Go's HammerRWMutex.
TEST_P(SyncTest, RWMutexLetsInManyReadersOrOneWriter) {
  run([](Runtime&) {
    RWMutex mutex;
    std::atomic<int> readers{0}, writers{0};
    WaitGroup done;
    for (int i = 0; i < 3; i++) {
      done.go([&] {
        for (int k = 0; k < 200; k++) {
          std::lock_guard<RWMutex> hold(mutex);
          EXPECT_EQ(writers.fetch_add(1), 0);
          EXPECT_EQ(readers, 0);
          if (k % 4 == 0) yield();
          writers--;
        }
      });
    }
    for (int i = 0; i < 6; i++) {
      done.go([&] {
        for (int k = 0; k < 200; k++) {
          std::shared_lock<RWMutex> hold(mutex);
          EXPECT_EQ(writers, 0);
          ++readers;
          yield();
          readers--;
        }
      });
    }
    done.wait();
    EXPECT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock_shared());
    mutex.unlock();
    EXPECT_TRUE(mutex.try_lock_shared());
    EXPECT_TRUE(mutex.try_lock_shared());
    EXPECT_FALSE(mutex.try_lock());
    mutex.unlock_shared();
    EXPECT_FALSE(mutex.try_lock());
    mutex.unlock_shared();
  });
}

TEST_P(SyncTest, AWaitingWriterKeepsNewReadersOut) {
  run([](Runtime&) {
    RWMutex mutex;
    mutex.lock_shared();
    std::atomic<bool> wrote{false};
    WaitGroup done;
    done.go([&] {
      mutex.lock();
      wrote = true;
      mutex.unlock();
    });
    ASSERT_TRUE(eventually([&] {
      if (!mutex.try_lock_shared()) return true;  // the writer is in the queue
      mutex.unlock_shared();
      return false;
    }));
    done.go([&] {
      mutex.lock_shared();
      EXPECT_TRUE(wrote);
      mutex.unlock_shared();
    });
    for (int k = 0; k < 20; k++) yield();
    EXPECT_FALSE(wrote);
    mutex.unlock_shared();
    done.wait();
  });
}

TEST_P(SyncTest, OnceRunsOnceAndEverybodyWaitsForIt) {
  run([](Runtime&) {
    Once once;
    int runs = 0;
    bool complete = false;
    WaitGroup done;
    for (int i = 0; i < 10; i++) {
      done.go([&] {
        once.call([&] {
          runs++;
          yield();
          complete = true;
        });
        EXPECT_TRUE(complete);
      });
    }
    done.wait();
    EXPECT_EQ(runs, 1);

    Once again;
    EXPECT_THROW(again.call([] { throw std::runtime_error("not yet"); }), std::runtime_error);
    again.call([&] { runs++; });
    EXPECT_EQ(runs, 2);
  });
}

TEST_P(SyncTest, CondWakesOneOrAll) {
  run([](Runtime&) {
    Mutex mutex;
    Cond cond(mutex);
    int tokens = 0, taken = 0;
    WaitGroup done;
    for (int i = 0; i < 6; i++) {
      done.go([&] {
        std::lock_guard<Mutex> hold(mutex);
        cond.wait([&] { return tokens > 0; });
        tokens--;
        taken++;
      });
    }
    for (int i = 0; i < 3; i++) {
      std::lock_guard<Mutex> hold(mutex);
      tokens++;
      cond.signal();
    }
    EXPECT_TRUE(eventually([&] {
      std::lock_guard<Mutex> hold(mutex);
      return taken == 3;
    }));
    {
      std::lock_guard<Mutex> hold(mutex);
      tokens += 3;
      cond.broadcast();
    }
    done.wait();
    EXPECT_EQ(taken, 6);
    cond.signal();  // nobody waits: no effect
    cond.broadcast();
  });
}

TEST_P(SyncTest, WaitGroupMayBeReusedAtOnce) {
  run([](Runtime&) {
    WaitGroup wg;
    std::atomic<int> ran{0};
    for (int i = 0; i < 200; i++) {
      for (int k = 0; k < 3; k++) wg.go([&] { ran++; });
      wg.wait();
      ASSERT_EQ(ran, 3 * (i + 1));
    }
    wg.wait();  // nothing to wait for
  });
}

TEST_P(SyncTest, TryAcquireTakesOnlyWhatIsThere) {
  run([](Runtime&) {
    Semaphore s(1);
    EXPECT_TRUE(s.try_acquire());
    EXPECT_FALSE(s.try_acquire());
    s.release();
    EXPECT_TRUE(s.try_acquire());
  });
}

NETPOLL_FOR_WORKERS(SyncTest);

TEST(SyncDeathTest, MisuseAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Mutex().unlock(), "unlock of unlocked mutex");
  EXPECT_DEATH(RWMutex().unlock(), "unlock of unlocked RWMutex");
  EXPECT_DEATH(RWMutex().unlock_shared(), "unlock_shared of unlocked RWMutex");
  EXPECT_DEATH(WaitGroup().done(), "negative WaitGroup counter");
  const auto destroyed_under_a_waiter = [](auto wait) {
    Runtime runtime(with_workers(1));
    runtime.run([&] { wait(); });
  };
  EXPECT_DEATH(destroyed_under_a_waiter([] {
                 Mutex mutex;
                 mutex.lock();
                 go([&] { mutex.lock(); });
                 yield();
               }),
               "Mutex destroyed while goroutines wait");
  EXPECT_DEATH(destroyed_under_a_waiter([] {
                 WaitGroup wg;
                 wg.add(1);
                 go([&] { wg.wait(); });
                 yield();
               }),
               "WaitGroup destroyed while goroutines wait");
  EXPECT_DEATH(destroyed_under_a_waiter([] {
                 Mutex mutex;
                 mutex.lock();
                 mutex.lock();
               }),
               "asleep - deadlock");
}

}  // namespace
}  // namespace netpoll::testing
