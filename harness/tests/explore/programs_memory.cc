// SPDX-License-Identifier: MIT
//
// Programs that are right or wrong by the orders that they ask for. What only looks wrong must be
// acquitted: memory that is used again, objects that order by themselves.
#include "tests/explore/programs_memory.h"

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/explore/programs_help.h"

namespace {

using pollux::explore_test::both;
using pollux::explore_test::check;

constexpr auto kRelaxed = std::memory_order_relaxed, kAcquire = std::memory_order_acquire,
               kRelease = std::memory_order_release, kBoth = std::memory_order_acq_rel,
               kSeqCst = std::memory_order_seq_cst;
using Order = std::memory_order;

// --- Found by the race detector.

void plain_counter() {
  int n = 0;
  both([&] { ++n; }, [&] { ++n; });
}

void bytes_of_one_word() {
  struct {
    char left = 0, right = 0;
  } pair;
  both([&] { pair.left = 1; }, [&] { pair.right = 1; });
  check(pair.left + pair.right == 2, "one is lost");
}

void word_over_byte() {
  union {
    uint32_t word;
    char bytes[4];
  } either = {0};
  both([&] { either.bytes[2] = 1; }, [&] { either.word = 7; });
}

void plain_read_of_atomic() {
  std::atomic<int> n{0};
  both([&] { n.store(1, kRelaxed); }, [&] { (void)*reinterpret_cast<volatile int*>(&n); });
}

template <Order kStore, Order kLoad>
void message() {
  int data = 0;
  std::atomic<int> flag{0};
  both(
      [&] {
        data = 42;
        flag.store(1, kStore);
      },
      [&] {
        if (flag.load(kLoad) == 1) check(data == 42, "not written yet");
      });
}

template <Order kFence>
void message_by_fences() {
  int data = 0;
  std::atomic<int> flag{0};
  both(
      [&] {
        data = 42;
        std::atomic_thread_fence(kFence);
        flag.store(1, kRelaxed);
      },
      [&] {
        if (flag.load(kRelaxed) != 1) return;
        std::atomic_thread_fence(kAcquire);
        check(data == 42, "not written yet");
      });
}

template <Order kStore, Order kLoad>
void double_checked() {
  struct Made {
    int value = 42;
  };
  std::atomic<Made*> made{nullptr};
  std::mutex mutex;
  auto use = [&] {
    Made* it = made.load(kLoad);
    if (it == nullptr) {
      std::lock_guard lock(mutex);
      it = made.load(kRelaxed);
      if (it == nullptr) made.store(it = new Made, kStore);
    }
    check(it->value == 42, "used before it was made");
  };
  both(use, use);
  delete made.load();
}

template <Order kUnlock, Order kLock>
void spin_lock() {
  std::atomic<bool> locked{false};
  int n = 0;
  auto work = [&] {
    while (locked.exchange(true, kLock)) std::this_thread::yield();
    ++n;
    locked.store(false, kUnlock);
  };
  both(work, work);
  check(n == 2, "an update is lost");
}

// One producer, one consumer; the slots are plain.
template <Order kPublish, Order kLook>
void ring() {
  constexpr unsigned kSlots = 2, kItems = 3;
  int slots[kSlots] = {};
  std::atomic<unsigned> head{0}, tail{0};
  both(
      [&] {
        for (unsigned i = 0; i < kItems; ++i) {
          while (i - tail.load(kLook) == kSlots) std::this_thread::yield();
          slots[i % kSlots] = static_cast<int>(i);
          head.store(i + 1, kPublish);
        }
      },
      [&] {
        for (unsigned i = 0; i < kItems; ++i) {
          while (head.load(kLook) == i) std::this_thread::yield();
          check(slots[i % kSlots] == static_cast<int>(i), "not the item that was put there");
          tail.store(i + 1, kPublish);
        }
      });
}

// Treiber's stack; nodes are plain but for the links, and are used once.
template <Order kPush, Order kPop>
void stack_of_nodes() {
  struct Node {
    int value;
    Node* next;
  };
  std::atomic<Node*> top{nullptr};
  Node node{0, nullptr};
  both(
      [&] {
        node.value = 7;
        node.next = top.load(kRelaxed);
        while (!top.compare_exchange_weak(node.next, &node, kPush, kRelaxed)) {
        }
      },
      [&] {
        Node* it = top.load(kPop);
        while (it != nullptr && !top.compare_exchange_weak(it, it->next, kPop, kPop)) {
        }
        if (it != nullptr) check(it->value == 7, "a node that was not filled");
      });
}

void shared_lock_writes() {
  std::shared_mutex mutex;
  int n = 0;
  auto work = [&] {
    std::shared_lock lock(mutex);
    ++n;
  };
  both(work, work);
}

void vector_without_lock() {
  std::vector<int> list(4);
  both([&] { list.push_back(1); }, [&] { list.push_back(2); });
}

void detached_and_unordered() {
  static int n;
  static std::atomic<int> done;
  n = 0;
  done = 0;
  auto work = [] {
    ++n;
    done.fetch_add(1, kRelaxed);
  };
  std::thread(work).detach();
  while (done.load(kRelaxed) != 1) std::this_thread::yield();
  std::thread(work).detach();
  while (done.load(kRelaxed) != 2) std::this_thread::yield();
}

// --- Not to be found.

void mutex_right() {
  std::mutex mutex;
  int n = 0;
  auto work = [&] {
    std::lock_guard lock(mutex);
    ++n;
  };
  both(work, work);
  check(n == 2, "an update is lost");
}

void readers_and_writer() {
  std::shared_mutex mutex;
  int n = 0;
  std::thread reader([&] {
    std::shared_lock lock(mutex);
    check(n >= 0, "?");
  });
  both(
      [&] {
        std::unique_lock lock(mutex);
        ++n;
      },
      [&] {
        std::shared_lock lock(mutex);
        check(n >= 0, "?");
      });
  reader.join();
}

void condition_right() {
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
  int data = 0;
  both(
      [&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ready; });
        lock.unlock();
        ++data;
      },
      [&] {
        data = 7;
        {
          std::lock_guard lock(mutex);
          ready = true;
        }
        changed.notify_one();
      });
  check(data == 8, "an update is lost");
}

void semaphore_right() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  int data = 0;
  both(
      [&] {
        data = 1;
        sem_post(&semaphore);
      },
      [&] {
        sem_wait(&semaphore);
        data = 2;
      });
}

void barrier_right() {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  int left = 0, right = 0;
  both(
      [&] {
        left = 1;
        pthread_barrier_wait(&barrier);
        check(right == 1, "did not wait");
      },
      [&] {
        right = 1;
        pthread_barrier_wait(&barrier);
        check(left == 1, "did not wait");
      });
}

void futex_right() {
  std::atomic<int> turn{0};
  int data = 0;
  both(
      [&] {
        data = 1;
        turn.store(1, kRelease);
        turn.notify_one();
      },
      [&] {
        turn.wait(0, kAcquire);
        check(data == 1, "not written yet");
      });
}

void once_right() {
  std::once_flag flag;
  int made = 0;
  auto use = [&] {
    std::call_once(flag, [&] { made = 42; });
    check(made == 42, "used before it was made");
  };
  both(use, use);
}

int local_static() {
  static std::string text("a string that is too long to stay inside");
  return static_cast<int>(text.size());
}
void static_right() {
  both([] { check(local_static() == 40, "?"); }, [] { check(local_static() == 40, "?"); });
}

void future_right() {
  auto result = std::async(std::launch::async, [] { return std::make_unique<int>(3); });
  std::unique_ptr<int> number = result.get();
  check(++*number == 4, "?");
}

void shared_pointer_right() {
  auto number = std::make_shared<int>(1);
  std::thread one([number] { check(*number == 1, "?"); });
  std::thread other([number] { check(*number == 1, "?"); });
  number.reset();
  one.join();
  other.join();
}

void heap_again() {
  auto work = [] {
    for (int i = 0; i < 3; ++i) {
      auto number = std::make_unique<int>(i);
      std::this_thread::yield();
      *number = 2;
    }
  };
  both(work, work);
}

__attribute__((noinline)) void fill(volatile int* at, int n) {
  for (int i = 0; i < n; ++i) at[i] = i;
}
void stack_again() {
  auto work = [] {
    volatile int numbers[64];
    fill(numbers, 64);
  };
  std::atomic<int> done{0};
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      work();
      done.fetch_add(1, kRelaxed);
    }).detach();
    while (done.load(kRelaxed) <= i) std::this_thread::yield();
  }
}

thread_local int own;
void thread_local_again() {
  std::atomic<int> done{0};
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      ++own;
      check(own == 1, "not the thread's own");
      done.fetch_add(1, kRelaxed);
    }).detach();
    while (done.load(kRelaxed) <= i) std::this_thread::yield();
  }
}

void many_readers() {
  int data = 7;
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] { check(data == 7, "?"); });
  }
  for (std::thread& reader : readers) reader.join();
  data = 8;
}

void one_of_many_readers_late() {
  static volatile int data;  // who sees that it is 0 or 8 need not read it
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([] { check(data >= 0, "?"); });
  }
  for (int i = 1; i < 6; ++i) readers[static_cast<size_t>(i)].join();
  data = 8;
  readers[0].join();
}

// --- Shown by weak memory only: everything that threads share is atomic.

template <Order kStore, Order kLoad>
struct Peterson {
  std::atomic<int> wants[2] = {};
  std::atomic<int> turn{0};
  std::atomic<int> inside{0};

  void work(int me) {
    wants[me].store(1, kStore);
    turn.store(1 - me, kStore);
    while (wants[1 - me].load(kLoad) == 1 && turn.load(kLoad) == 1 - me) {
      std::this_thread::yield();
    }
    check(inside.fetch_add(1, kRelaxed) == 0, "two threads are inside");
    inside.fetch_sub(1, kRelaxed);
    wants[me].store(0, kStore);
  }
};
template <Order kStore, Order kLoad>
void peterson() {
  Peterson<kStore, kLoad> lock;
  both([&] { lock.work(0); }, [&] { lock.work(1); });
}

template <Order kStore, Order kLoad>
struct Dekker {
  std::atomic<int> wants[2] = {};
  std::atomic<int> turn{0};
  std::atomic<int> inside{0};

  void work(int me) {
    wants[me].store(1, kStore);
    while (wants[1 - me].load(kLoad) != 0) {
      if (turn.load(kLoad) != me) {
        wants[me].store(0, kStore);
        while (turn.load(kLoad) != me) std::this_thread::yield();
        wants[me].store(1, kStore);
      } else {
        std::this_thread::yield();
      }
    }
    check(inside.fetch_add(1, kRelaxed) == 0, "two threads are inside");
    inside.fetch_sub(1, kRelaxed);
    turn.store(1 - me, kStore);
    wants[me].store(0, kStore);
  }
};
template <Order kStore, Order kLoad>
void dekker() {
  Dekker<kStore, kLoad> lock;
  both([&] { lock.work(0); }, [&] { lock.work(1); });
}

// Boehm, "Can seqlocks get along with programming language memory models?" (MSPC 2012).
template <bool kFences>
void seqlock() {
  std::atomic<unsigned> sequence{0};
  std::atomic<int> left{0}, right{0};
  both(
      [&] {
        sequence.store(1, kRelaxed);
        if (kFences) std::atomic_thread_fence(kRelease);
        left.store(1, kRelaxed);
        right.store(1, kRelaxed);
        sequence.store(2, kRelease);
      },
      [&] {
        unsigned before = sequence.load(kAcquire);
        int l = left.load(kRelaxed), r = right.load(kRelaxed);
        if (kFences) std::atomic_thread_fence(kAcquire);
        unsigned after = sequence.load(kRelaxed);
        if (before == after && before % 2 == 0) check(l == r, "a torn pair was read");
      });
}

// Who sleeps says so and looks again; who wakes says what changed and looks for sleepers. The wait
// itself is left out: nobody may miss the other.
template <Order kStore, Order kLoad>
void announce_and_look() {
  std::atomic<int> sleeps{0}, changed{0};
  bool seen = false, woken = false;
  both(
      [&] {
        sleeps.store(1, kStore);
        seen = changed.load(kLoad) == 1;
      },
      [&] {
        changed.store(1, kStore);
        woken = sleeps.load(kLoad) == 1;
      });
  check(seen || woken, "asleep for ever");
}

#ifndef __clang__  // its hook does not tell weak from strong
// A weak compare-exchange that is not tried again.
void weak_exchange_once() {
  std::atomic<int> n{0};
  int expected = 0;
  check(n.compare_exchange_weak(expected, 1), "failed alone");
}
#endif

void count_relaxed() {
  std::atomic<int> n{0};
  auto work = [&] { n.fetch_add(1, kRelaxed); };
  both(work, work);
  check(n.load(kRelaxed) == 2, "an update is lost");
}

// The block begins a new life: what the old one held can not be read.
void atomic_in_new_block() {
  auto first = std::make_unique<std::atomic<int>>(0);
  both([&] { first->store(1, kRelaxed); }, [&] { first->store(1, kRelaxed); });
  first.reset();
  auto second = std::make_unique<std::atomic<int>>(1);
  both([&] { check(second->load(kRelaxed) == 1, "of another life"); }, [] {});
}

constexpr const char* kHeld = "held";
constexpr const char* kRace = "data-race";
constexpr const char* kWrong = "violation";

constexpr PolluxMemoryProgram kRacePrograms[] = {
    {"PlainCounter", plain_counter, kRace},
    {"BytesOfOneWord", bytes_of_one_word, kHeld},
    {"WordOverByte", word_over_byte, kRace},
    {"PlainReadOfAtomic", plain_read_of_atomic, kRace},
    {"MessageReleaseAcquire", message<kRelease, kAcquire>, kHeld},
    {"MessageRelaxed", message<kRelaxed, kRelaxed>, kRace},
    {"MessageReleaseRelaxed", message<kRelease, kRelaxed>, kRace},
    {"MessageRelaxedAcquire", message<kRelaxed, kAcquire>, kRace},
    {"MessageFences", message_by_fences<kRelease>, kHeld},
    {"MessageWrongFence", message_by_fences<kAcquire>, kRace},
    {"DoubleCheckedRight", double_checked<kRelease, kAcquire>, kHeld},
    {"DoubleCheckedRelaxed", double_checked<kRelaxed, kRelaxed>, kRace},
    {"SpinLockRight", spin_lock<kRelease, kAcquire>, kHeld},
    {"SpinLockRelaxedUnlock", spin_lock<kRelaxed, kAcquire>, kRace},
    {"RingRight", ring<kRelease, kAcquire>, kHeld},
    {"RingRelaxed", ring<kRelaxed, kAcquire>, kRace},
    {"StackRight", stack_of_nodes<kRelease, kAcquire>, kHeld},
    {"StackRelaxedPush", stack_of_nodes<kRelaxed, kAcquire>, kRace},
    {"StackRelaxedPop", stack_of_nodes<kRelease, kRelaxed>, kRace},
    {"SharedLockWrites", shared_lock_writes, kRace},
    {"VectorWithoutLock", vector_without_lock, kRace},
    {"DetachedAndUnordered", detached_and_unordered, kRace},
    {"OneOfManyReadersLate", one_of_many_readers_late, kRace},
    {"Mutex", mutex_right, kHeld},
    {"ReadersAndWriter", readers_and_writer, kHeld},
    {"Condition", condition_right, kHeld},
    {"Semaphore", semaphore_right, kHeld},
    {"Barrier", barrier_right, kHeld},
    {"Futex", futex_right, kHeld},
    {"Once", once_right, kHeld},
    {"LocalStatic", static_right, kHeld},
    {"Future", future_right, kHeld},
    {"SharedPointer", shared_pointer_right, kHeld},
    {"HeapAgain", heap_again, kHeld},
    {"StackAgain", stack_again, kHeld},
    {"ThreadLocalAgain", thread_local_again, kHeld},
    {"ManyReaders", many_readers, kHeld},
    {nullptr, nullptr, nullptr},
};

constexpr PolluxMemoryProgram kWeakPrograms[] = {
    {"PetersonSeqCst", peterson<kSeqCst, kSeqCst>, kHeld},
    {"PetersonReleaseAcquire", peterson<kRelease, kAcquire>, kWrong},
    {"PetersonRelaxed", peterson<kRelaxed, kRelaxed>, kWrong},
    {"DekkerSeqCst", dekker<kSeqCst, kSeqCst>, kHeld},
    {"DekkerReleaseAcquire", dekker<kRelease, kAcquire>, kWrong},
    {"SeqLockFences", seqlock<true>, kHeld},
    {"SeqLockWithoutFences", seqlock<false>, kWrong},
    {"AnnounceSeqCst", announce_and_look<kSeqCst, kSeqCst>, kHeld},
    {"AnnounceReleaseAcquire", announce_and_look<kRelease, kAcquire>, kWrong},
    {"CountRelaxed", count_relaxed, kHeld},
    {"AtomicInNewBlock", atomic_in_new_block, kHeld},
    {"SpinLockRight", spin_lock<kRelease, kAcquire>, kHeld},
    {"RingRight", ring<kRelease, kAcquire>, kHeld},
    {"DoubleCheckedRight", double_checked<kRelease, kAcquire>, kHeld},
    {"StackAcqRel", stack_of_nodes<kBoth, kAcquire>, kHeld},
#ifndef __clang__
    {"WeakExchangeOnce", weak_exchange_once, kWrong},
#endif
    {nullptr, nullptr, nullptr},
};

}  // namespace

extern "C" const PolluxMemoryProgram* pollux_race_programs() { return kRacePrograms; }
extern "C" const PolluxMemoryProgram* pollux_weak_programs() { return kWeakPrograms; }
