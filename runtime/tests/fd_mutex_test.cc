// SPDX-License-Identifier: MIT
#include "src/fd_mutex.h"

#include <atomic>

#include "support.h"

namespace netpoll::testing {
namespace {

using Dir = fd_mutex::dir;

constexpr uint64_t closed_only = 1;

uint64_t waiting_readers(const fd_mutex& m) { return m.word() >> 23 & 0xfffff; }
uint64_t waiting_writers(const fd_mutex& m) { return m.word() >> 43 & 0xfffff; }

TEST(FdMutexTest, LocksAndReferencesBalance) {
  fd_mutex m;
  EXPECT_TRUE(m.incref());
  EXPECT_FALSE(m.decref());
  EXPECT_TRUE(m.rwlock(Dir::read));
  EXPECT_TRUE(m.rwlock(Dir::write));  // the two directions are independent
  EXPECT_FALSE(m.rwunlock(Dir::read));
  EXPECT_FALSE(m.rwunlock(Dir::write));
  EXPECT_EQ(m.word(), 0u);
}

TEST(FdMutexTest, NothingSucceedsAfterClose) {
  fd_mutex m;
  EXPECT_TRUE(m.incref_and_close());
  EXPECT_FALSE(m.incref());
  EXPECT_FALSE(m.rwlock(Dir::read));
  EXPECT_FALSE(m.rwlock(Dir::write));
  EXPECT_FALSE(m.incref_and_close());
  EXPECT_TRUE(m.decref());
  EXPECT_EQ(m.word(), closed_only);
}

TEST(FdMutexTest, OnlyTheLastToLeaveIsToldToDestroy) {
  fd_mutex m;
  ASSERT_TRUE(m.incref());
  ASSERT_TRUE(m.rwlock(Dir::write));
  ASSERT_TRUE(m.rwlock(Dir::read));
  ASSERT_TRUE(m.incref_and_close());
  EXPECT_FALSE(m.decref());
  EXPECT_FALSE(m.rwunlock(Dir::read));
  EXPECT_FALSE(m.decref());
  EXPECT_TRUE(m.rwunlock(Dir::write));
}

TEST(FdMutexTest, CloseSendsAllWaitersAway) {
  Runtime runtime(with_workers(2));
  fd_mutex m;
  std::atomic<int> refused{0};
  runtime.run([&] {
    ASSERT_TRUE(m.rwlock(Dir::read));
    ASSERT_TRUE(m.rwlock(Dir::write));
    for (int i = 0; i < 4; i++) {
      go([&] { refused += !m.rwlock(Dir::read); });
      go([&] { refused += !m.rwlock(Dir::write); });
    }
    ASSERT_TRUE(eventually([&] { return waiting_readers(m) == 4 && waiting_writers(m) == 4; }));
    EXPECT_EQ(refused, 0);
    EXPECT_TRUE(m.incref_and_close());
    EXPECT_FALSE(m.decref());
    EXPECT_TRUE(eventually([&] { return refused == 8; }));
    EXPECT_FALSE(m.rwunlock(Dir::read));
    EXPECT_TRUE(m.rwunlock(Dir::write));
  });
  EXPECT_EQ(m.word(), closed_only);
  EXPECT_EQ(m.tokens(), 0u);
}

TEST(FdMutexTest, UnlockLetsOneWaiterIn) {
  Runtime runtime(with_workers(2));
  fd_mutex m;
  std::atomic<int> entered{0};
  runtime.run([&] {
    ASSERT_TRUE(m.rwlock(Dir::read));
    WaitGroup done;
    done.add(3);
    for (int i = 0; i < 3; i++) {
      go([&] {
        ASSERT_TRUE(m.rwlock(Dir::read));
        entered++;
        EXPECT_FALSE(m.rwunlock(Dir::read));
        done.done();
      });
    }
    ASSERT_TRUE(eventually([&] { return waiting_readers(m) == 3; }));
    EXPECT_EQ(entered, 0);
    EXPECT_FALSE(m.rwunlock(Dir::read));
    done.wait();
  });
  EXPECT_EQ(entered, 3);
  EXPECT_EQ(m.word(), 0u);
  EXPECT_EQ(m.tokens(), 0u);
}

TEST(FdMutexTest, StressKeepsEachDirectionExclusive) {
  Runtime runtime(with_workers(4));
  fd_mutex m;
  // Plain counters: mutual exclusion is what keeps them right (and ThreadSanitizer quiet).
  uint64_t reads[2] = {0, 0};
  uint64_t writes[2] = {0, 0};
  constexpr int goroutines = 8;
  constexpr int rounds = 2000;
  runtime.run([&] {
    WaitGroup done;
    done.add(goroutines);
    for (int i = 0; i < goroutines; i++) {
      go([&, i] {
        uint32_t random = 17 + i;
        for (int k = 0; k < rounds; k++) {
          random = random * 1664525 + 1013904223;
          const int pick = random >> 30;
          if (pick == 0) {
            EXPECT_TRUE(m.incref());
            EXPECT_FALSE(m.decref());
          } else {
            uint64_t* counters = pick == 1 ? reads : writes;
            const Dir d = pick == 1 ? Dir::read : Dir::write;
            EXPECT_TRUE(m.rwlock(d));
            EXPECT_EQ(counters[0], counters[1]);
            counters[0]++;
            if (random & 1024) yield();
            counters[1]++;
            EXPECT_FALSE(m.rwunlock(d));
          }
        }
        done.done();
      });
    }
    done.wait();
  });
  EXPECT_TRUE(m.incref_and_close());
  EXPECT_TRUE(m.decref());
  EXPECT_EQ(m.word(), closed_only);
  EXPECT_EQ(m.tokens(), 0u);
}

TEST(FdMutexDeathTest, UnbalancedCallsAbort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* text = "inconsistent poll.fdMutex";
  EXPECT_DEATH(
      {
        fd_mutex m;
        (void)m.decref();
      },
      text);
  EXPECT_DEATH(
      {
        fd_mutex m;
        (void)m.rwunlock(Dir::read);
      },
      text);
  EXPECT_DEATH(
      {
        fd_mutex m;
        (void)m.rwunlock(Dir::write);
      },
      text);
  EXPECT_DEATH(
      {
        fd_mutex m;
        (void)m.rwlock(Dir::read);
        (void)m.rwunlock(Dir::write);
      },
      text);
}

TEST(FdMutexDeathTest, TooManyReferencesAbort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        fd_mutex m;
        for (int i = 0; i < 1 << 21; i++) m.incref();
      },
      "too many concurrent operations");
}

}  // namespace
}  // namespace netpoll::testing
