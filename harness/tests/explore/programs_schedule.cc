// SPDX-License-Identifier: MIT
//
// Interleavings: for each classic a right and a wrong version.
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/explore/programs.h"
#include "tests/explore/programs_help.h"

namespace {

using pollux::explore_test::both;
using pollux::explore_test::check;

// --- Peterson's lock: announce, then give way. The wrong one gives way first.

template <bool kRight>
struct Peterson {
  std::atomic<int> wants[2] = {};
  std::atomic<int> turn{0};
  std::atomic<int> inside{0};

  void lock(int me) {
    if (kRight) {
      wants[me] = 1;
      turn = 1 - me;
    } else {
      turn = 1 - me;
      wants[me] = 1;
    }
    while (wants[1 - me] == 1 && turn == 1 - me) std::this_thread::yield();
  }
  void work(int me) {
    for (int i = 0; i < 2; ++i) {
      lock(me);
      check(inside.fetch_add(1) == 0, "two threads are inside");
      inside.fetch_sub(1);
      wants[me] = 0;
    }
  }
};

template <bool kRight>
void peterson() {
  Peterson<kRight> lock;
  both([&] { lock.work(0); }, [&] { lock.work(1); });
}

// Waits by spinning on an atomic alone: only the scheduler's fairness ends it.
void spin_without_yield() {
  std::atomic<bool> ready{false};
  both(
      [&] {
        while (!ready.load()) {
        }
      },
      [&] { ready = true; });
}

// --- A condition variable: the wrong one looks at the flag without the mutex.

template <bool kRight>
void lost_wake_up() {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> ready{false};
  both(
      [&] {
        if (kRight) {
          std::unique_lock lock(mutex);
          while (!ready) changed.wait(lock);
        } else if (!ready) {
          std::unique_lock lock(mutex);
          changed.wait(lock);
        }
      },
      [&] {
        if (kRight) {
          std::lock_guard lock(mutex);
          ready = true;
        } else {
          ready = true;
        }
        changed.notify_one();
      });
}

// --- Parking: publish WAIT, look again, commit, sleep. The wrong one does not look again.

struct Sleeper {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;

  void park() {
    std::unique_lock lock(mutex);
    while (!woken) changed.wait(lock);
    woken = false;
  }
  void ready() {
    std::lock_guard lock(mutex);
    woken = true;
    changed.notify_one();
  }
};

template <bool kRight>
struct Slot {
  static constexpr uintptr_t kReady = 1, kWait = 2;
  std::atomic<uintptr_t> word{0};
  std::atomic<bool> closing{false};

  bool block(Sleeper* sleeper) {
    for (;;) {
      uintptr_t old = word.load();
      if (old == kReady) {
        word = 0;
        return true;
      }
      uintptr_t idle = 0;
      if (word.compare_exchange_strong(idle, kWait)) break;
    }
    if (!kRight || !closing) {
      uintptr_t wait = kWait;
      if (word.compare_exchange_strong(wait, reinterpret_cast<uintptr_t>(sleeper))) sleeper->park();
    }
    return word.exchange(0) == kReady;
  }
  Sleeper* unblock() {
    for (;;) {
      uintptr_t old = word.load();
      if (old == kReady || old == 0) return nullptr;
      if (word.compare_exchange_strong(old, 0)) {
        return old > kWait ? reinterpret_cast<Sleeper*>(old) : nullptr;
      }
    }
  }
};

template <bool kRight>
void park_protocol() {
  Slot<kRight> slot;
  Sleeper sleeper;
  both(
      [&] {
        if (!slot.closing) slot.block(&sleeper);
      },
      [&] {
        slot.closing = true;
        if (Sleeper* found = slot.unblock()) found->ready();
      });
}

// --- A counter without and with a lock.

template <bool kRight>
void count() {
  static int n;
  n = 0;
  std::mutex mutex;
  auto add = [&] {
    for (int i = 0; i < 2; ++i) {
      if (kRight) mutex.lock();
      ++n;
      if (kRight) mutex.unlock();
    }
  };
  both(add, add);
  check(n == 4, "an update was lost");
}

// volatile accesses are points without asking for plain ones.
void volatile_count() {
  static volatile int n;
  n = 0;
  auto add = [&] { n = n + 1; };
  both(add, add);
  check(n == 2, "an update was lost");
}

// --- Deadlock by lock order.

template <bool kRight>
void lock_order() {
  std::mutex x, y;
  both(
      [&] {
        std::lock_guard first(x);
        std::lock_guard second(y);
      },
      [&] {
        std::lock_guard first(kRight ? x : y);
        std::lock_guard second(kRight ? y : x);
      });
}

constexpr PolluxTestProgram kPrograms[] = {
    {"PetersonRight", peterson<true>, false, false, false},
    {"PetersonWrong", peterson<false>, true, false, true},
    {"SpinWithoutYield", spin_without_yield, false, false, true},
    {"CondRight", lost_wake_up<true>, false, false, false},
    {"CondWrong", lost_wake_up<false>, true, false, true},
    {"ParkRight", park_protocol<true>, false, false, false},
    {"ParkWithoutRecheck", park_protocol<false>, true, false, true},
    {"CountRight", count<true>, false, true, false},
    {"CountLostUpdate", count<false>, true, true, true},
    {"VolatileLostUpdate", volatile_count, true, false, true},
    {"LockOrderRight", lock_order<true>, false, false, false},
    {"LockOrderWrong", lock_order<false>, true, false, false},
    {nullptr, nullptr, false, false, false},
};

std::atomic<int> shared_word;
}  // namespace
int pollux_plain_word;
namespace {
std::atomic<unsigned long> watched_word;

// All at one place of the code, whatever the compiler makes of loops.
[[gnu::noinline]] void take_step() { shared_word.load(std::memory_order_relaxed); }
void take_steps(int count) {
  for (int i = 0; i < count; ++i) take_step();
}

}  // namespace

extern "C" {

const PolluxTestProgram* pollux_schedule_programs() { return kPrograms; }

void pollux_park_protocol() { park_protocol<true>(); }

void pollux_two_inside() {
  std::atomic<int> inside{0};
  auto enter = [&] {
    take_steps(50);
    inside.fetch_add(1);
    inside.fetch_sub(1);
    take_steps(50);
  };
  std::thread one(enter), other(enter);
  take_steps(50);
  check(inside.load() != 2, "both were inside");
  one.join();
  other.join();
}

void pollux_load_loop(long count) {
  for (long i = 0; i < count; ++i) shared_word.load(std::memory_order_relaxed);
}
void pollux_add_loop(long count) {
  for (long i = 0; i < count; ++i) shared_word.fetch_add(1, std::memory_order_relaxed);
}
void pollux_plain_loop(long count) {
  for (long i = 0; i < count; ++i) {
    pollux_plain_word = static_cast<int>(i);
    asm volatile("" ::: "memory");
  }
}
void pollux_yield_loop(long count) {
  for (long i = 0; i < count; ++i) sched_yield();
}
void pollux_create_loop(long count) {
  for (long i = 0; i < count; ++i) {
    pthread_t thread;
    pthread_create(
        &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
    pthread_join(thread, nullptr);
  }
}

unsigned long* pollux_watched_word() { return reinterpret_cast<unsigned long*>(&watched_word); }
void pollux_write_watched() {
  watched_word = 1;
  watched_word.fetch_add(2);
  unsigned long wrong = 7, right = 3;
  watched_word.compare_exchange_strong(wrong, 9);
  watched_word.compare_exchange_strong(right, 4);
  watched_word.exchange(5);
}
}
