// SPDX-License-Identifier: MIT
//
// pthread.h, semaphore.h, threads.h and the standard library's thread objects, by their contracts.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <threads.h>
#include <time.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "pollux/world.h"
#include "tests/explore/programs.h"

namespace {

#define CHECK_THAT(condition)                            \
  do {                                                   \
    if (!(condition)) pollux::fail("check", #condition); \
  } while (0)

using namespace std::chrono_literals;

void each(const std::function<void(int)>& body, int count = 3) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

void pause() { sched_yield(); }

timespec after(clockid_t clock, std::chrono::milliseconds duration) {
  timespec now;
  clock_gettime(clock, &now);
  auto ns = now.tv_nsec + duration.count() % 1000 * 1'000'000;
  return {now.tv_sec + duration.count() / 1000 + ns / 1'000'000'000, ns % 1'000'000'000};
}

struct OfType {
  pthread_mutex_t mutex;
  explicit OfType(int type) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~OfType() { pthread_mutex_destroy(&mutex); }
};

void mutex_excludes() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  int n = 0;
  each([&](int) {
    pthread_mutex_lock(&mutex);
    int seen = n;
    pause();
    n = seen + 1;
    CHECK_THAT(pthread_mutex_trylock(&mutex) == EBUSY);
    pthread_mutex_unlock(&mutex);
  });
  CHECK_THAT(n == 3);
}

void mutex_recursive() {
  OfType it(PTHREAD_MUTEX_RECURSIVE);
  int n = 0;
  each([&](int) {
    CHECK_THAT(pthread_mutex_lock(&it.mutex) == 0);
    CHECK_THAT(pthread_mutex_trylock(&it.mutex) == 0);
    int seen = n;
    pause();
    n = seen + 1;
    CHECK_THAT(pthread_mutex_unlock(&it.mutex) == 0);
    pause();
    CHECK_THAT(n == seen + 1);
    CHECK_THAT(pthread_mutex_unlock(&it.mutex) == 0);
  });
  CHECK_THAT(n == 3);
  CHECK_THAT(pthread_mutex_unlock(&it.mutex) == EPERM);
}

void mutex_error_checking() {
  OfType it(PTHREAD_MUTEX_ERRORCHECK);
  each([&](int) {
    CHECK_THAT(pthread_mutex_lock(&it.mutex) == 0);
    CHECK_THAT(pthread_mutex_lock(&it.mutex) == EDEADLK);
    pause();
    CHECK_THAT(pthread_mutex_unlock(&it.mutex) == 0);
    CHECK_THAT(pthread_mutex_unlock(&it.mutex) == EPERM);
  });
}

void mutex_timed() {
  std::timed_mutex mutex;
  mutex.lock();
  std::thread([&] {
    auto begin = std::chrono::steady_clock::now();
    CHECK_THAT(!mutex.try_lock_for(3h));
    CHECK_THAT(std::chrono::steady_clock::now() - begin >= 3h);
  }).join();
  std::thread other([&] { CHECK_THAT(mutex.try_lock_for(3h)); });
  std::this_thread::sleep_for(1h);
  mutex.unlock();
  other.join();
}

void cond_timed() {
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_lock lock(mutex);
  auto begin = std::chrono::steady_clock::now();
  // A wait may end early for no reason; a deadline that has passed may not be missed.
  while (changed.wait_until(lock, begin + 3h) != std::cv_status::timeout) {
  }
  CHECK_THAT(std::chrono::steady_clock::now() - begin >= 3h);
  auto system = std::chrono::system_clock::now();
  while (changed.wait_until(lock, system + 1h) != std::cv_status::timeout) {
  }
  CHECK_THAT(std::chrono::system_clock::now() - system >= 1h);
}

// The clock of a condition variable is the one it was initialised with.
void cond_clock() {
  for (clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME}) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, clock);
    pthread_cond_t cond;
    pthread_cond_init(&cond, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    timespec deadline = after(clock, 5000ms), early = after(clock, 4999ms), now;
    pthread_mutex_lock(&mutex);
    while (pthread_cond_timedwait(&cond, &mutex, &deadline) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&mutex);
    clock_gettime(clock, &now);
    CHECK_THAT(now.tv_sec >= early.tv_sec && now.tv_sec <= deadline.tv_sec + 1);
    pthread_cond_destroy(&cond);
  }
}

void cond_any() {
  std::condition_variable_any changed;
  std::shared_mutex mutex;
  bool go = false;
  std::thread waiter([&] {
    std::shared_lock lock(mutex);
    changed.wait(lock, [&] { return go; });
  });
  {
    std::unique_lock lock(mutex);
    go = true;
  }
  changed.notify_all();
  waiter.join();
}

void rwlock_excludes() {
  std::shared_mutex mutex;
  int value = 0;
  each([&](int i) {
    if (i == 0) {
      std::unique_lock lock(mutex);
      ++value;
      pause();
      ++value;
    } else {
      std::shared_lock lock(mutex);
      int seen = value;
      pause();
      CHECK_THAT(seen == value && seen % 2 == 0);
    }
  });
}

void rwlock_by_hand() {
  pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  CHECK_THAT(pthread_rwlock_rdlock(&lock) == 0);
  std::thread([&] {
    CHECK_THAT(pthread_rwlock_tryrdlock(&lock) == 0);
    CHECK_THAT(pthread_rwlock_trywrlock(&lock) == EBUSY);
    timespec deadline = after(CLOCK_REALTIME, 10ms);
    CHECK_THAT(pthread_rwlock_timedwrlock(&lock, &deadline) == ETIMEDOUT);
    CHECK_THAT(pthread_rwlock_unlock(&lock) == 0);
  }).join();
  CHECK_THAT(pthread_rwlock_unlock(&lock) == 0);
  CHECK_THAT(pthread_rwlock_wrlock(&lock) == 0);
  CHECK_THAT(pthread_rwlock_rdlock(&lock) == EDEADLK);
  std::thread([&] {
    timespec deadline = after(CLOCK_MONOTONIC, 10ms);
    CHECK_THAT(pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &deadline) == ETIMEDOUT);
    CHECK_THAT(pthread_rwlock_tryrdlock(&lock) == EBUSY);
  }).join();
  CHECK_THAT(pthread_rwlock_unlock(&lock) == 0);
  CHECK_THAT(pthread_rwlock_destroy(&lock) == 0);
}

void once() {
  std::once_flag flag;
  int n = 0;
  each([&](int) {
    std::call_once(flag, [&] {
      pause();
      ++n;
      pause();
    });
    CHECK_THAT(n == 1);
  });
  // A routine that throws has not happened.
  std::once_flag again;
  int tries = 0;
  each(
      [&](int) {
        try {
          std::call_once(again, [&] {
            pause();
            if (++tries == 1) throw 1;
          });
        } catch (int) {
        }
      },
      2);
  CHECK_THAT(tries == 2);
}

int slow_nine() {
  pause();
  return 9;
}

// A static is initialised once in a process, so each run has to bring its own guard.
extern "C" int __cxa_guard_acquire(uint64_t*);
extern "C" void __cxa_guard_release(uint64_t*);
extern "C" void __cxa_guard_abort(uint64_t*);

void guards() {
  uint64_t guard = 0;
  int value = 0, attempts = 0;
  each([&](int) {
    if (__cxa_guard_acquire(&guard) != 0) {
      if (attempts++ == 0) {
        pause();
        __cxa_guard_abort(&guard);
      } else {
        value += slow_nine();
        __cxa_guard_release(&guard);
      }
    }
    if (*reinterpret_cast<uint8_t*>(&guard) != 0) CHECK_THAT(value == 9);
  });
  CHECK_THAT(attempts <= 2);
}

void semaphores() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  int n = 0;
  each([&](int) {
    CHECK_THAT(sem_wait(&semaphore) == 0);
    int seen = n;
    pause();
    n = seen + 1;
    CHECK_THAT(sem_post(&semaphore) == 0);
  });
  CHECK_THAT(n == 3);
  CHECK_THAT(sem_trywait(&semaphore) == 0);
  CHECK_THAT(sem_trywait(&semaphore) == -1 && errno == EAGAIN);
  timespec deadline = after(CLOCK_REALTIME, 10ms);
  CHECK_THAT(sem_timedwait(&semaphore, &deadline) == -1 && errno == ETIMEDOUT);
  int value = -1;
  sem_getvalue(&semaphore, &value);
  CHECK_THAT(value == 0);
  sem_destroy(&semaphore);
}

void barriers() {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 3);
  std::atomic<int> arrived{0}, last{0};
  each([&](int) {
    for (int round = 1; round <= 2; ++round) {
      ++arrived;
      int value = pthread_barrier_wait(&barrier);
      if (value == PTHREAD_BARRIER_SERIAL_THREAD) ++last;
      CHECK_THAT(arrived >= 3 * round);
      pthread_barrier_wait(&barrier);
    }
  });
  CHECK_THAT(last == 2);
  pthread_barrier_destroy(&barrier);
}

void spin_locks() {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, 0);
  int n = 0;
  each([&](int) {
    pthread_spin_lock(&lock);
    int seen = n;
    pause();
    n = seen + 1;
    CHECK_THAT(pthread_spin_trylock(&lock) == EBUSY);
    pthread_spin_unlock(&lock);
  });
  CHECK_THAT(n == 3);
  CHECK_THAT(pthread_spin_trylock(&lock) == 0);
  pthread_spin_unlock(&lock);
  pthread_spin_destroy(&lock);
}

void atomic_wait() {
  std::atomic<int> word{0};
  std::thread waiter([&] {
    word.wait(0);
    CHECK_THAT(word == 1);
  });
  std::thread waker([&] {
    word = 1;
    word.notify_one();
  });
  waiter.join();
  waker.join();
}

void latches_and_barriers() {
  std::mutex mutex;
  std::latch latch(3);
  std::barrier barrier(3);
  int n = 0;
  each([&](int) {
    {
      std::lock_guard lock(mutex);
      ++n;
    }
    latch.arrive_and_wait();
    CHECK_THAT(n == 3);
    barrier.arrive_and_wait();
    barrier.arrive_and_wait();
  });
}

void stop_tokens() {
  std::jthread thread([](std::stop_token token) {
    while (!token.stop_requested()) std::this_thread::yield();
  });
}

void futures() {
  auto five = std::async(std::launch::async, [] {
    pause();
    return 5;
  });
  std::packaged_task<int()> task([]() -> int { throw 3; });
  auto thrown = task.get_future();
  std::thread thread(std::move(task));
  CHECK_THAT(five.get() == 5);
  int caught = 0;
  try {
    thrown.get();
  } catch (int value) {
    caught = value;
  }
  CHECK_THAT(caught == 3);
  thread.join();
  std::promise<void> never;
  auto begin = std::chrono::steady_clock::now();
  CHECK_THAT(never.get_future().wait_for(1h) == std::future_status::timeout);
  CHECK_THAT(std::chrono::steady_clock::now() - begin >= 1h);
}

void shared_pointers() {
  std::atomic<std::shared_ptr<int>> pointer;
  each([&](int i) {
    pointer.store(std::make_shared<int>(i));
    auto seen = pointer.load();
    CHECK_THAT(seen != nullptr && *seen >= 0 && *seen < 3);
  });
}

void sleeps_in_order() {
  std::mutex mutex;
  std::vector<int> order;
  each([&](int i) {
    std::this_thread::sleep_for(std::chrono::seconds(30 - 10 * i));
    std::lock_guard lock(mutex);
    order.push_back(i);
  });
  CHECK_THAT((order == std::vector<int>{2, 1, 0}));
}

// Both wait for a third that sleeps: time must move although somebody always can run.
void spins_until_time_has_passed() {
  std::atomic<bool> ready{false};
  std::thread sleeper([&] {
    std::this_thread::sleep_for(10min);
    ready = true;
  });
  std::thread a([&] {
    while (!ready) {
    }
  });
  std::thread b([&] {
    while (!ready) std::this_thread::yield();
  });
  a.join();
  b.join();
  sleeper.join();
}

// Whoever looks at a clock for ten seconds is not told that hours have passed, though nothing else
// is due before.
void polls_a_clock() {
  using Clock = std::chrono::steady_clock;
  std::thread sleeper([] { std::this_thread::sleep_for(30min); });
  const Clock::time_point start = Clock::now();
  Clock::time_point last = start;
  std::atomic<int> looks{0};
  while (last < start + 10s) {
    ++looks;
    const Clock::time_point now = Clock::now();
    CHECK_THAT(now - last < 20s);
    last = now;
  }
  sleeper.join();
}

void joins() {
  pthread_t thread;
  auto sleeper = [](void* argument) -> void* {
    std::this_thread::sleep_for(1h);
    return argument;
  };
  int value = 0;
  pthread_create(&thread, nullptr, sleeper, &value);
  void* result = nullptr;
  timespec deadline = after(CLOCK_REALTIME, 10ms);
  CHECK_THAT(pthread_tryjoin_np(thread, &result) == EBUSY);
  CHECK_THAT(pthread_timedjoin_np(thread, &result, &deadline) == ETIMEDOUT);
  CHECK_THAT(pthread_kill(thread, 0) == 0);
  CHECK_THAT(pthread_join(thread, &result) == 0 && result == &value);
  CHECK_THAT(pthread_join(pthread_self(), nullptr) != 0);
}

int c11_body(void* argument) {
  mtx_lock(static_cast<mtx_t*>(argument));
  mtx_unlock(static_cast<mtx_t*>(argument));
  thrd_exit(5);
}

void c11_threads() {
  mtx_t mutex;
  mtx_init(&mutex, mtx_plain);
  mtx_lock(&mutex);
  thrd_t thread;
  CHECK_THAT(thrd_create(&thread, c11_body, &mutex) == thrd_success);
  CHECK_THAT(mtx_trylock(&mutex) == thrd_busy);
  thrd_yield();
  mtx_unlock(&mutex);
  int value = 0;
  CHECK_THAT(thrd_join(thread, &value) == thrd_success && value == 5);
  mtx_destroy(&mutex);
}

constexpr PolluxTestProgram kPrograms[] = {
    {"MutexExcludes", mutex_excludes, false, false, false},
    {"MutexRecursive", mutex_recursive, false, false, false},
    {"MutexErrorChecking", mutex_error_checking, false, false, false},
    {"MutexTimed", mutex_timed, false, false, false},
    {"CondTimed", cond_timed, false, false, false},
    {"CondClock", cond_clock, false, false, false},
    {"CondAny", cond_any, false, false, false},
    {"RwlockExcludes", rwlock_excludes, false, false, false},
    {"RwlockByHand", rwlock_by_hand, false, false, false},
    {"Once", once, false, false, false},
    {"Guards", guards, false, false, false},
    {"Semaphores", semaphores, false, false, false},
    {"Barriers", barriers, false, false, false},
    {"SpinLocks", spin_locks, false, false, false},
    {"AtomicWait", atomic_wait, false, false, false},
    {"LatchesAndBarriers", latches_and_barriers, false, false, false},
    {"StopTokens", stop_tokens, false, false, false},
    {"Futures", futures, false, false, false},
    {"SharedPointers", shared_pointers, false, false, false},
    {"SleepsInOrder", sleeps_in_order, false, false, false},
    {"SpinsUntilTimeHasPassed", spins_until_time_has_passed, false, false, true},
    {"PollsAClock", polls_a_clock, false, false, true},
    {"Joins", joins, false, false, false},
    {"C11Threads", c11_threads, false, false, false},
    {nullptr, nullptr, false, false, false},
};

}  // namespace

extern "C" const PolluxTestProgram* pollux_object_programs() { return kPrograms; }
