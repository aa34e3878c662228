// SPDX-License-Identifier: MIT
//
// The judge of memory that is lost. As for the others: what it must convict, and what looks like it
// and it must acquit.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "explore/leaks.h"
#include "pollux/world.h"

namespace pollux {

// What others could see, so that the compiler writes to it.
namespace leaks_test {

struct Node {
  Node* next = nullptr;
  char name[40] = {};
};
Node* global = nullptr;
char *inside = nullptr, *behind = nullptr;
thread_local Node* local = nullptr;

}  // namespace leaks_test

namespace {

using namespace leaks_test;

RunOptions looking() {
  RunOptions options;
  options.memory_leaks = true;
  return options;
}

RunResult run(const std::function<void()>& body, RunOptions options = looking(),
              std::unique_ptr<Strategy> strategy = make_replay_strategy({})) {
  options.strategy = strategy.get();
  World world(options);
  world.add_thread("main", 0, body);
  return world.run();
}

// The compiler must not do without the allocation.
template <class T>
T* seen(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}
void* allocate(size_t size) { return seen(std::malloc(size)); }

class Leaks : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!explore::can_track_memory()) GTEST_SKIP() << "the allocator is a sanitizer's";
  }
};

void expect_lost(const std::function<void()>& body, const std::string& what) {
  const RunResult result = run(body);
  EXPECT_EQ(result.verdict, Verdict::leaked_memory) << result.reason;
  EXPECT_NE(result.reason.find(what), std::string::npos) << result.reason;
  EXPECT_EQ(result.reason.find("oracle_test+0x"), 0u) << result.reason;
}

void expect_held(const std::function<void()>& body) {
  const RunResult result = run(body);
  EXPECT_EQ(result.verdict, Verdict::held) << result.reason << "\n" << result.details;
}

// --- Convicted

TEST_F(Leaks, BlockThatNobodyHas) {
  expect_lost([] { allocate(24); },
              ": 24 bytes that main allocated here (allocation 1) are lost: nothing points to them "
              "any more");
}

TEST_F(Leaks, OnlyWhereItIsAskedFor) {
  EXPECT_EQ(run([] { allocate(24); }, {}).verdict, Verdict::held);
}

TEST_F(Leaks, ObjectAndWhatItLedTo) {
  const RunResult result = run([] {
    Node* second = seen(new Node);
    seen(new Node)->next = second;
  });
  EXPECT_EQ(result.verdict, Verdict::leaked_memory);
  EXPECT_NE(result.reason.find("(allocation 2)"), std::string::npos) << result.reason;
  EXPECT_NE(result.reason.find("96 bytes in 2 blocks in all"), std::string::npos) << result.reason;
}

TEST_F(Leaks, TwoBlocksThatPointAtEachOther) {
  expect_lost(
      [] {
        Node* first = seen(new Node);
        first->next = seen(new Node);
        first->next->next = first;
      },
      "(allocation 1) are lost: nothing points to them any more; 96 bytes in 2 blocks");
}

TEST_F(Leaks, ElementsOfAListThatWasFreed) {
  expect_lost(
      [] {
        auto* all = new std::vector<Node*>;
        for (int i = 0; i < 3; ++i) all->push_back(new Node);
        delete seen(all);
      },
      "144 bytes in 3 blocks in all");
}

TEST_F(Leaks, WhatAThreadLocalOfAnEndedThreadHad) {
  expect_lost([] { std::thread([] { local = seen(new Node); }).join(); },
              "48 bytes that t1 allocated here");
}

TEST_F(Leaks, WhatAMutexWasLockedIn) {
  struct Guarded {
    std::mutex first, second;
  };
  expect_lost(
      [] {
        Guarded* guarded = seen(new Guarded);
        std::lock_guard outer(guarded->first);
        std::lock_guard inner(guarded->second);
      },
      "80 bytes");
}

// In the same process and with the same addresses around: what earlier runs left says nothing.
TEST_F(Leaks, EachRunAnew) {
  auto body = [] {
    global = seen(new Node);
    allocate(100);
  };
  const RunResult first = run(body);
  for (int i = 0; i < 5; ++i) {
    const RunResult again = run(body);
    EXPECT_EQ(again.verdict, Verdict::leaked_memory);
    EXPECT_EQ(again.reason, first.reason);
    EXPECT_EQ(again.hash, first.hash);
    EXPECT_EQ(again.details, first.details);
  }
}

// Two threads make the same thing at once; the first is lost when both have looked before either
// has put it there.
void make_once_each() {
  static Node* only;
  only = nullptr;
  auto make = [] {
    if (only != nullptr) return;
    sched_yield();
    Node* made = seen(new Node);
    sched_yield();
    only = made;
  };
  std::thread other(make);
  make();
  other.join();
  delete only;
  only = nullptr;
}

TEST_F(Leaks, InOneOfTwoInterleavings) {
  std::set<Verdict> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const RunResult result = run(make_once_each, looking(), make_walk_strategy(seed, {}, 1.0));
    seen.insert(result.verdict);
    if (result.verdict == Verdict::held) continue;
    ASSERT_EQ(result.verdict, Verdict::leaked_memory) << result.reason;
    const RunResult again = run(make_once_each, looking(), make_replay_strategy(result.deviations));
    EXPECT_EQ(again.reason, result.reason);
    EXPECT_EQ(again.hash, result.hash);
  }
  EXPECT_EQ(seen.size(), 2u);
}

// --- Acquitted

TEST_F(Leaks, FreedIsNotLost) {
  expect_held([] {
    std::free(allocate(24));
    delete seen(new Node);
    std::vector<std::string> strings(100, std::string(50, 'x'));
    std::map<int, std::string> map{{1, std::string(100, 'y')}};
    std::free(seen(aligned_alloc(256, 1024)));
  });
}

TEST_F(Leaks, SingletonsAreNotLost) {
  static std::map<int, Node*> cache;
  expect_held([] {
    global = seen(new Node);
    global->next = new Node;
    cache[1] = new Node;
    static auto* const local = new std::string(100, 'z');
    seen(local);
  });
  // In the next run they are older than it, and may have new ones.
  expect_held([] {
    global->next->next = seen(new Node);
    cache[2] = new Node;
    delete cache[1];
    cache.erase(1);
  });
  expect_lost(
      [] {
        cache.clear();
        allocate(10);
      },
      ": 10 bytes");
}

TEST_F(Leaks, InteriorPointersHold) {
  expect_held([] {
    inside = static_cast<char*>(allocate(100)) + 50;
    behind = static_cast<char*>(allocate(64)) + 64;
  });
}

TEST_F(Leaks, MemoryOfBeforeTheRunHolds) {
  auto older = std::make_unique<std::vector<Node*>>();
  const auto list = std::make_shared<std::vector<Node*>>();
  expect_held([&older, list] {
    for (int i = 0; i < 10; ++i) older->push_back(new Node);
    list->push_back(new Node);
  });
  for (Node* node : *older) delete node;
  delete list->front();
}

TEST_F(Leaks, ReallocMovesWhatItHolds) {
  static Node** list = nullptr;
  expect_held([] {
    for (size_t i = 0; i < 200; ++i) {
      list = static_cast<Node**>(std::realloc(list, (i + 1) * sizeof *list));
      list[i] = new Node;
    }
    std::free(std::realloc(std::malloc(10), 1000));
  });
  expect_lost(
      [] {
        list = static_cast<Node**>(std::realloc(list, 201 * sizeof *list));
        allocate(10);
      },
      ": 10 bytes");
}

TEST_F(Leaks, AnotherThreadMayFree) {
  expect_held([] {
    Node* node = seen(new Node);
    std::thread([node] { delete node; }).join();
    Node* made = nullptr;
    std::thread([&made] { made = new Node; }).join();
    delete made;
  });
}

TEST_F(Leaks, ThreadLocalsAndStacksOfLivingThreadsHold) {
  expect_held([] {
    std::thread([] {
      local = seen(new Node);
      Node* on_stack = seen(new Node);
      sleep(3600);
      seen(on_stack);
    }).detach();
    usleep(1000);
  });
}

TEST_F(Leaks, ArgumentsAndResultsOfThreadsHold) {
  expect_held([] {
    pthread_t ended;
    pthread_create(
        &ended, nullptr, [](void*) { return static_cast<void*>(seen(new Node)); }, nullptr);
    usleep(1000);
    pthread_t waits;
    pthread_create(
        &waits, nullptr,
        [](void* node) {
          sleep(3600);
          return node;
        },
        seen(new Node));
  });
}

TEST_F(Leaks, KeysHold) {
  static pthread_key_t keys[40];
  expect_held([] {
    for (pthread_key_t& key : keys) pthread_key_create(&key, nullptr);
    std::thread([] {
      for (const pthread_key_t key : keys) pthread_setspecific(key, seen(new Node));
      sleep(3600);
    }).detach();
    usleep(1000);
  });
  for (const pthread_key_t key : keys) pthread_key_delete(key);
}

TEST_F(Leaks, TheKernelHoldsWhatItWasGiven) {
  RunOptions options = looking();
  options.check_leaks = false;
  auto body = [](bool close_it) {
    return [close_it] {
      const int set = epoll_create1(0), event = eventfd(0, 0);
      epoll_event wanted{};
      wanted.events = EPOLLIN;
      wanted.data.ptr = seen(new Node);
      epoll_ctl(set, EPOLL_CTL_ADD, event, &wanted);
      if (close_it) close(event);
    };
  };
  EXPECT_EQ(run(body(false), options).verdict, Verdict::held);
  EXPECT_EQ(run(body(true), options).verdict, Verdict::leaked_memory);
}

TEST_F(Leaks, LibcHoldsItsOwn) {
  expect_held([] {
    FILE* left_open = std::fopen("/dev/null", "w");
    std::fprintf(left_open, "%d", 5);
    std::atexit([] {});
    try {
      throw std::runtime_error(std::string(100, 'x'));
    } catch (const std::exception& error) {
      seen(error.what());
    }
    std::thread([] { seen(strerror(12345)); }).join();
  });
}

TEST(LeaksOfASanitizer, AreItsOwnBusiness) {
  if (explore::can_track_memory()) GTEST_SKIP() << "the allocator is ours";
  const RunResult result = run([] {});
  EXPECT_EQ(result.verdict, Verdict::unmodelled);
  EXPECT_NE(result.reason.find("allocator"), std::string::npos) << result.reason;
}

}  // namespace
}  // namespace pollux
