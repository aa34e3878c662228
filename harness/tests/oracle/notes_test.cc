// SPDX-License-Identifier: MIT
//
// What the judges note: each kind has a program that has it, and one, as similar as possible, that
// has not.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <mutex>
#include <thread>

#include "pollux/world.h"

namespace pollux {
namespace {

RunResult run(const std::function<void()>& body, bool strict = false,
              std::vector<Deviation> deviations = {}) {
  const std::unique_ptr<Strategy> strategy = make_replay_strategy(std::move(deviations));
  RunOptions options;
  options.strategy = strategy.get();
  options.strict = strict;
  World world(options);
  world.add_thread("main", 0, body);
  return world.run();
}

std::string noted(const RunResult& result) {
  std::string all;
  for (const JudgeNote& note : result.notes) all += to_string(note) + "\n";
  return all;
}

// The run goes on, and has this note and no other; a strict one ends with it.
void expect_noted(const std::function<void()>& body, const std::string& text) {
  const RunResult result = run(body);
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(noted(result), text + "\n");
}

void expect_violation(const std::function<void()>& body, const std::string& reason) {
  const RunResult result = run(body, true);
  EXPECT_EQ(result.verdict, Verdict::violation);
  EXPECT_EQ(result.reason, reason);
}

void expect_nothing(const std::function<void()>& body) {
  const RunResult result = run(body, true);
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason;
  EXPECT_EQ(noted(result), "");
}

void close_twice() {
  const int fd = eventfd(0, 0);
  close(fd);
  EXPECT_EQ(close(fd), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(Notes, ClosingWhatIsClosedIsADoubleClose) {
  expect_noted(close_twice,
               "double-close: main closes descriptor 64, which itself has closed before");
}

TEST(Notes, AStrictRunEndsWithTheFirst) {
  expect_violation(close_twice,
                   "double-close: main closes descriptor 64, which itself has closed before");
}

TEST(Notes, ANumberThatWasGivenOutAgainMayBeClosedAgain) {
  expect_nothing([] {
    const int fd = eventfd(0, 0);
    close(fd);
    EXPECT_EQ(eventfd(0, 0), fd);
    close(fd);
    close(-1);  // many do, after a failed open
  });
}

TEST(Notes, UsingWhatAnotherThreadHasClosedIsNotedOnceWithItsCount) {
  expect_noted(
      [] {
        const int fd = eventfd(0, EFD_NONBLOCK), set = epoll_create1(0);
        std::thread([fd] { close(fd); }).join();
        uint64_t value = 1;
        EXPECT_EQ(write(fd, &value, sizeof value), -1);
        EXPECT_EQ(read(fd, &value, sizeof value), -1);
        epoll_event event = {EPOLLIN, {}};
        EXPECT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), -1);
        EXPECT_EQ(errno, EBADF);
        close(set);
      },
      "use-after-close: main calls write with descriptor 64, which t1 has closed; 3 such");
}

TEST(Notes, TheWrongEndOfAPipeIsOpenAllTheSame) {
  expect_nothing([] {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    char byte = 0;
    EXPECT_EQ(write(ends[0], &byte, 1), -1);
    EXPECT_EQ(errno, EBADF);
    close(ends[0]);
    close(ends[1]);
  });
}

TEST(Notes, ADescriptorThatNeverWasOne) {
  expect_noted(
      [] {
        char byte;
        EXPECT_EQ(read(70, &byte, 1), -1);
      },
      "bad-descriptor: main calls read with descriptor 70, which nobody has opened");
  expect_noted(
      [] {
        char byte;
        EXPECT_EQ(read(-1, &byte, 1), -1);
      },
      "bad-descriptor: main calls read with descriptor -1");
}

TEST(Notes, AnAddressThatTheProgramDoesNotHave) {
  expect_noted(
      [] {
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        EXPECT_EQ(write(ends[1], "x", 1), 1);
        volatile uintptr_t nowhere = 8;  // the compiler knows better
        EXPECT_EQ(read(ends[0], reinterpret_cast<void*>(nowhere), 1), -1);
        EXPECT_EQ(errno, EFAULT);
        close(ends[0]);
        close(ends[1]);
      },
      "bad-address: main calls read with an address that it does not have");
}

TEST(Notes, ATransferOfANegativeSize) {
  expect_noted(
      [] {
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        char byte = 0;
        volatile size_t size = static_cast<size_t>(-5);
        EXPECT_EQ(write(ends[1], &byte, size), -1);
        EXPECT_EQ(errno, EFAULT);
        close(ends[0]);
        close(ends[1]);
      },
      "bad-size: main calls write(65) with the size -5");
}

void lock_both(std::mutex& first, std::mutex& second) {
  first.lock();
  second.lock();
  second.unlock();
  first.unlock();
}

TEST(Notes, OppositeOrdersThatDidNotMeetAreNoted) {
  expect_noted(
      [] {
        std::mutex a, b;
        std::thread([&] { lock_both(a, b); }).join();
        lock_both(b, a);
      },
      "lock-order: main locks mutex 1 while it has mutex 2, and t1 locked them the other way "
      "round");
}

TEST(Notes, ACircleOfThree) {
  expect_noted(
      [] {
        std::mutex a, b, c;
        std::thread([] {}).join();  // not alone any more
        lock_both(a, b);
        lock_both(b, c);
        lock_both(c, a);
      },
      "lock-order: main locks mutex 1 while it has mutex 3, which closes a circle of 3 mutexes; "
      "main "
      "made the last step of the others");
}

TEST(Notes, OneOrderATrylockAndANewMutexInAnOldPlaceAreFine) {
  expect_nothing([] {
    std::mutex a, b;
    std::thread([&] { lock_both(a, b); }).join();
    lock_both(a, b);
    // A try gives up instead of waiting.
    b.lock();
    if (a.try_lock()) a.unlock();
    b.unlock();
    // Unlocked in between.
    b.lock();
    b.unlock();
    a.lock();
    a.unlock();
    // The same memory, another mutex.
    new (&b) std::mutex;
    lock_both(b, a);
  });
}

TEST(Notes, ARecursiveMutexIsInItsOwnOrder) {
  expect_nothing([] {
    std::recursive_mutex a;
    std::mutex b;
    a.lock();
    b.lock();
    a.lock();
    a.unlock();
    b.unlock();
    a.unlock();
  });
}

// A thread that takes the mutex again and again, and one that wants it once.
RunResult contended(int turns) {
  const std::unique_ptr<Strategy> strategy = make_replay_strategy({});
  RunOptions options;
  options.strategy = strategy.get();
  World world(options);
  world.add_thread("main", 0, [turns] {
    std::mutex mutex;
    bool begun = false;
    mutex.lock();
    std::thread other([&] {
      begun = true;
      mutex.lock();
      mutex.unlock();
    });
    for (int turn = 0; turn < turns; ++turn) {
      while (!begun) std::this_thread::yield();
      mutex.unlock();
      mutex.lock();
      usleep(1);  // the other one is woken, and finds it locked again
    }
    mutex.unlock();
    other.join();
  });
  return world.run();
}

TEST(Notes, AThreadThatIsAlwaysTooLateStarves) {
  const RunResult starved = contended(150);
  EXPECT_EQ(starved.verdict, Verdict::held) << starved.reason;
  EXPECT_EQ(noted(starved),
            "starvation: t1 was woken 100 times for a mutex that others had first\n");
  EXPECT_EQ(noted(contended(50)), "");
}

TEST(Notes, OneRunKnowsNothingOfTheLast) {
  run(close_twice);
  expect_nothing([] { close(eventfd(0, 0)); });
}

}  // namespace
}  // namespace pollux
