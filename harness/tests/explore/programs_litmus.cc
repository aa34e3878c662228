// SPDX-License-Identifier: MIT
//
// Textbook programs, each right and with its classic mistake; small enough to be explored
// completely. Under sequential consistency, which is what the explorer's schedules are.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "tests/explore/programs.h"
#include "tests/explore/programs_help.h"

namespace {

using pollux::explore_test::both;
using pollux::explore_test::check;

// --- Dekker's lock: announce, then look at the other. The wrong one looks first.

template <bool kRight>
struct Dekker {
  std::atomic<int> wants[2] = {};
  std::atomic<int> turn{0};
  std::atomic<int> inside{0};

  void lock(int me) {
    if (!kRight) {
      while (wants[1 - me] != 0) std::this_thread::yield();
    }
    wants[me] = 1;
    while (kRight && wants[1 - me] != 0) {
      if (turn != me) {
        wants[me] = 0;
        while (turn != me) std::this_thread::yield();
        wants[me] = 1;
      } else {
        std::this_thread::yield();
      }
    }
  }
  void work(int me) {
    lock(me);
    check(inside.fetch_add(1) == 0, "two threads are inside");
    inside.fetch_sub(1);
    turn = 1 - me;
    wants[me] = 0;
  }
};

template <bool kRight>
void dekker() {
  Dekker<kRight> lock;
  both([&] { lock.work(0); }, [&] { lock.work(1); });
}

// --- A buffer for one item, one producer, two consumers. The wrong one has one condition variable
// for both sides and signals one waiter, which may be of its own side.

template <bool kRight>
struct Buffer {
  std::mutex mutex;
  std::condition_variable not_full, not_empty;
  int items = 0;

  std::condition_variable& put_waits() { return kRight ? not_full : not_empty; }

  void put() {
    std::unique_lock lock(mutex);
    while (items == 1) put_waits().wait(lock);
    ++items;
    not_empty.notify_one();
  }
  void take() {
    std::unique_lock lock(mutex);
    while (items == 0) not_empty.wait(lock);
    --items;
    put_waits().notify_one();
  }
};

template <bool kRight>
void bounded_buffer() {
  Buffer<kRight> buffer;
  std::thread consumer([&] { buffer.take(); });
  both(
      [&] {
        buffer.put();
        buffer.put();
      },
      [&] { buffer.take(); });
  consumer.join();
}

// --- Treiber's stack with nodes that are used again (ABA). The right one counts in the top word.

template <bool kRight>
struct Stack {
  static constexpr uint32_t kNodes = 3;
  std::atomic<uint64_t> top{1};  // node + 1, and above it how often the top was changed
  std::atomic<uint32_t> next[kNodes];

  Stack() {
    for (uint32_t node = 0; node < kNodes; ++node) next[node] = node + 1 < kNodes ? node + 2 : 0;
  }

  static uint64_t changed(uint64_t old, uint32_t link) {
    return kRight ? ((old >> 32) + 1) << 32 | link : link;
  }
  // The node's number + 1, or 0.
  uint32_t pop() {
    uint64_t old = top;
    for (;;) {
      auto link = static_cast<uint32_t>(old);
      if (link == 0) return 0;
      uint32_t below = next[link - 1];
      if (top.compare_exchange_strong(old, changed(old, below))) return link;
    }
  }
  void push(uint32_t link) {
    uint64_t old = top;
    do {
      next[link - 1] = static_cast<uint32_t>(old);
    } while (!top.compare_exchange_strong(old, changed(old, link)));
  }
};

template <bool kRight>
void treiber() {
  Stack<kRight> stack;
  uint32_t one = 0, other = 0;
  both([&] { one = stack.pop(); },
       [&] {
         uint32_t first = stack.pop();
         other = stack.pop();
         if (first != 0) stack.push(first);
       });
  int owners[4] = {};
  ++owners[one];
  ++owners[other];
  while (uint32_t link = stack.pop()) ++owners[link];
  for (int node = 1; node <= 3; ++node) check(owners[node] == 1, "a node has not one owner");
}

// --- Double-checked initialisation. The wrong one publishes before it has initialised, which is
// what the compiler or the processor may do where the pointer is no atomic.

template <bool kRight>
struct Lazy {
  std::mutex mutex;
  std::atomic<int> value{0};
  std::atomic<bool> made{false};

  int get() {
    if (!made) {
      std::lock_guard lock(mutex);
      if (!made) {
        if (kRight) value = 42;
        made = true;
        if (!kRight) value = 42;
      }
    }
    return value;
  }
};

template <bool kRight>
void double_checked() {
  Lazy<kRight> lazy;
  auto use = [&] { check(lazy.get() == 42, "used before it was made"); };
  both(use, use);
}

// --- A barrier that is used twice. Without a sense that turns, who is slow to leave the first
// round takes an arrival of the second for the first.

template <bool kRight>
struct Barrier {
  std::atomic<int> arrived{0};
  std::atomic<bool> sense{false};

  void wait(bool& own) {
    own = !own;
    if (arrived.fetch_add(1) == 1) {
      arrived = 0;
      sense = own;
    } else if (kRight) {
      while (sense != own) std::this_thread::yield();
    } else {
      while (arrived != 0) std::this_thread::yield();
    }
  }
};

template <bool kRight>
void sense_barrier() {
  Barrier<kRight> barrier;
  std::atomic<int> round{0};
  auto work = [&] {
    bool own = false;
    for (int i = 1; i <= 2; ++i) {
      round.fetch_add(1);
      barrier.wait(own);
      check(round >= 2 * i, "a thread passed before all had arrived");
    }
  };
  both(work, work);
}

// --- A sequence lock. The wrong reader does not see that the writer is in the middle.

template <bool kRight>
struct SeqLock {
  std::atomic<unsigned> sequence{0};
  std::atomic<int> left{0}, right{0};

  void write(int value) {
    sequence.fetch_add(1);
    left = value;
    right = value;
    sequence.fetch_add(1);
  }
  // False: it has to be tried again.
  bool read(int& l, int& r) {
    unsigned before = sequence;
    if (kRight && (before & 1) != 0) return false;
    l = left;
    r = right;
    return sequence == before;
  }
};

template <bool kRight>
void seqlock() {
  SeqLock<kRight> lock;
  both([&] { lock.write(1); },
       [&] {
         int l, r;
         if (lock.read(l, r)) check(l == r, "a torn pair was read");
       });
}

constexpr PolluxTestProgram kPrograms[] = {
    {"DekkerRight", dekker<true>, false, false, false},
    {"DekkerWrong", dekker<false>, true, false, true},
    {"BufferRight", bounded_buffer<true>, false, false, false},
    {"BufferOneCondition", bounded_buffer<false>, true, false, false},
    {"TreiberCounted", treiber<true>, false, false, false},
    {"TreiberAba", treiber<false>, true, false, true},
    {"DoubleCheckedRight", double_checked<true>, false, false, false},
    {"DoubleCheckedPublishesFirst", double_checked<false>, true, false, true},
    {"BarrierRight", sense_barrier<true>, false, false, false},
    {"BarrierWithoutSense", sense_barrier<false>, true, false, true},
    {"SeqLockRight", seqlock<true>, false, false, false},
    {"SeqLockIgnoresOdd", seqlock<false>, true, false, true},
    {nullptr, nullptr, false, false, false},
};

}  // namespace

extern "C" const PolluxTestProgram* pollux_litmus_programs() { return kPrograms; }
