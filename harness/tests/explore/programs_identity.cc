// SPDX-License-Identifier: MIT
//
// What every thread has of its own must survive switches, and must be fresh when a donor serves its
// next thread: errno, thread_local objects, keys, exceptions, floating-point modes, stack bounds.
#include <errno.h>
#include <execinfo.h>
#include <grp.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <condition_variable>
#include <csetjmp>
#include <cstring>
#include <exception>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pollux/world.h"
#include "tests/explore/programs.h"

namespace {

#define CHECK_THAT(condition)                            \
  do {                                                   \
    if (!(condition)) pollux::fail("check", #condition); \
  } while (0)

void each(const std::function<void(int)>& body, int count = 3) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// Lets others in between. The word is wide, so that what it holds from earlier runs stays out of
// the hash.
void pause() {
  static std::atomic<long> word{0};
  word.fetch_add(1);
  sched_yield();
}

void error_number() {
  each([](int i) {
    for (int k = 0; k < 5; ++k) {
      errno = 100 + i;
      pause();
      CHECK_THAT(errno == 100 + i);
    }
  });
}

thread_local int zeroed;
thread_local int initialised = 42;
__thread char array[64];

void plain_thread_local() {
  each([](int i) {
    CHECK_THAT(zeroed == 0 && initialised == 42 && array[5] == 0);
    zeroed = i + 1;
    initialised = i;
    std::memset(array, i + 1, sizeof array);
    pause();
    CHECK_THAT(zeroed == i + 1 && initialised == i && array[63] == i + 1);
  });
}

std::atomic<int> made, destroyed;
struct Object {
  int value = 7;
  std::string text = "long enough to need memory of its own";
  Object() { ++made; }
  ~Object() {
    pause();
    ++destroyed;
  }
};
thread_local Object object;

void constructed_thread_local() {
  made = destroyed = 0;
  each([](int i) {
    CHECK_THAT(object.value == 7);
    object.value = i;
    pause();
    CHECK_THAT(object.value == i);
  });
  CHECK_THAT(made == 3 && destroyed == 3);
}

void self() {
  std::mutex mutex;
  std::set<pthread_t> seen;
  each([&](int) {
    pthread_t me = pthread_self();
    pause();
    CHECK_THAT(pthread_equal(me, pthread_self()));
    CHECK_THAT(std::this_thread::get_id() == std::thread::id(me));
    std::lock_guard lock(mutex);
    seen.insert(me);
  });
  CHECK_THAT(seen.size() == 3 && seen.count(pthread_self()) == 0);
}

void keys() {
  static std::atomic<long> sum;
  sum = 0;
  pthread_key_t key;
  CHECK_THAT(pthread_key_create(&key, [](void* value) {
               pause();
               sum += reinterpret_cast<long>(value);
             }) == 0);
  each([&](int i) {
    CHECK_THAT(pthread_getspecific(key) == nullptr);
    auto* value = reinterpret_cast<void*>(static_cast<long>(i + 1));
    pthread_setspecific(key, value);
    pause();
    CHECK_THAT(pthread_getspecific(key) == value);
  });
  CHECK_THAT(sum == 6);
  pthread_key_delete(key);
}

void exceptions() {
  each([](int i) {
    try {
      try {
        throw std::runtime_error(std::to_string(i));
      } catch (std::exception& error) {
        CHECK_THAT(std::uncaught_exceptions() == 0);
        pause();
        CHECK_THAT(error.what() == std::to_string(i));
        try {
          throw i;
        } catch (int j) {
          pause();
          CHECK_THAT(j == i);
        }
        throw;
      }
    } catch (std::runtime_error& error) {
      pause();
      CHECK_THAT(error.what() == std::to_string(i));
    }
    struct Unwound {
      ~Unwound() {
        CHECK_THAT(std::uncaught_exceptions() == 1);
        pause();
        CHECK_THAT(std::uncaught_exceptions() == 1);
      }
    };
    try {
      Unwound unwound;
      throw 1;
    } catch (int) {
    }
    CHECK_THAT(std::uncaught_exceptions() == 0);
  });
}

void exception_crosses_threads() {
  std::exception_ptr pointer;
  std::thread([&] {
    try {
      throw std::logic_error("x");
    } catch (...) {
      pointer = std::current_exception();
    }
  }).join();
  bool caught = false;
  try {
    std::rethrow_exception(pointer);
  } catch (std::logic_error& error) {
    caught = std::strcmp(error.what(), "x") == 0;
  }
  CHECK_THAT(caught);
}

void long_jumps() {
  each([](int i) {
    std::jmp_buf buffer;
    volatile int passed = 0;
    if (int value = setjmp(buffer)) {
      CHECK_THAT(value == i + 1 && passed == 1);
    } else {
      passed = 1;
      pause();
      std::longjmp(buffer, i + 1);
    }
  });
}

void rounding() {
  each([](int i) {
    const int modes[3] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    CHECK_THAT(std::fegetround() == FE_TONEAREST);
    std::fesetround(modes[i]);
    pause();
    CHECK_THAT(std::fegetround() == modes[i]);
  });
}

void locales() {
  each([](int i) {
    if (i == 0) {
      pause();
      CHECK_THAT(uselocale(nullptr) == LC_GLOBAL_LOCALE);
      return;
    }
    locale_t mine = newlocale(LC_ALL_MASK, "C", nullptr);
    locale_t before = uselocale(mine);
    pause();
    CHECK_THAT(uselocale(nullptr) == mine);
    uselocale(before);
    freelocale(mine);
  });
}

void memory() {
  each([](int i) {
    std::vector<char*> blocks;
    for (int k = 0; k < 50; ++k) {
      auto size = static_cast<size_t>(16 + (k * 37 + i * 11) % 3000);
      char* block = new char[size];
      std::memset(block, i, size);
      blocks.push_back(block);
      if (k % 7 == 0) pause();
    }
    for (char* block : blocks) {
      CHECK_THAT(*block == i);
      delete[] block;
    }
  });
  auto* given = new std::string("given away");
  std::thread([&] { delete given; }).join();
}

void stack_bounds() {
  each([](int) {
    pthread_attr_t attributes;
    CHECK_THAT(pthread_getattr_np(pthread_self(), &attributes) == 0);
    void* low = nullptr;
    size_t size = 0;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    auto base = reinterpret_cast<uintptr_t>(low);
    CHECK_THAT(here > base && here < base + size);
  });
}

void backtraces() {
  each([](int) {
    void* frames[30];
    int count = backtrace(frames, 30);
    CHECK_THAT(count > 3);
    pause();
    CHECK_THAT(backtrace(frames, 30) == count);
  });
}

void locked_files() {
  FILE* file = tmpfile();
  each([&](int i) {
    for (int k = 0; k < 3; ++k) {
      std::fprintf(file, "%d line %d\n", i, k);
      pause();
      flockfile(file);
      std::fputs("a", file);
      pause();
      std::fputs("b", file);
      funlockfile(file);
    }
  });
  std::fclose(file);
}

void exits_by_unwinding() {
  static std::atomic<int> unwound;
  unwound = 0;
  struct Counts {
    ~Counts() {
      pause();
      ++unwound;
    }
  };
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        Counts outer;
        [] {
          Counts inner;
          try {
            pthread_exit(reinterpret_cast<void*>(77));
          } catch (...) {
            unwound += 10;
            throw;
          }
        }();
        return nullptr;
      },
      nullptr);
  void* result = nullptr;
  pthread_join(thread, &result);
  CHECK_THAT(result == reinterpret_cast<void*>(77));
  CHECK_THAT(unwound == 12);
}

void detached() {
  auto promise = std::make_shared<std::promise<int>>();
  auto future = promise->get_future();
  std::thread([promise] {
    pause();
    promise->set_value_at_thread_exit(3);
  }).detach();
  CHECK_THAT(future.get() == 3);
}

void many_one_after_another() {
  each(
      [](int) {
        for (int i = 0; i < 12; ++i) std::thread([] { pause(); }).join();
      },
      4);
}

void names() {
  each([](int i) {
    std::string name = "worker " + std::to_string(i);
    CHECK_THAT(pthread_setname_np(pthread_self(), name.c_str()) == 0);
    pause();
    char found[16];
    CHECK_THAT(pthread_getname_np(pthread_self(), found, sizeof found) == 0);
    CHECK_THAT(name == found);
  });
}

std::atomic<int> signals_seen;
std::atomic<pthread_t> signalled;

void signals() {
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {
    signals_seen += 1;
    signalled = pthread_self();
  };
  sigaction(SIGUSR1, &action, &before);
  signals_seen = 0;
  std::mutex mutex;
  each([&](int) {
    pause();
    std::lock_guard lock(mutex);
    CHECK_THAT(pthread_kill(pthread_self(), SIGUSR1) == 0);
    CHECK_THAT(pthread_equal(signalled, pthread_self()));
  });
  CHECK_THAT(signals_seen == 3);
  sigaction(SIGUSR1, &before, nullptr);
}

// A thread that waits for an object runs its handler and then waits on.
void signals_while_waiting() {
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) { signals_seen += 1; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, &before);
  signals_seen = 0;
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<int> word{0};
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  bool ready = false;
  mutex.lock();
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ready; });
    lock.unlock();
    CHECK_THAT(sem_wait(&semaphore) == 0);
    pthread_barrier_wait(&barrier);
    word.wait(0);
    std::thread([] { pause(); }).join();
  });
  auto interrupt = [&] { CHECK_THAT(pthread_kill(waiter.native_handle(), SIGUSR1) == 0); };
  interrupt();
  mutex.unlock();
  interrupt();
  {
    std::lock_guard lock(mutex);
    ready = true;
  }
  changed.notify_one();
  interrupt();
  sem_post(&semaphore);
  interrupt();
  pthread_barrier_wait(&barrier);
  interrupt();
  word = 1;
  word.notify_one();
  waiter.join();
  CHECK_THAT(signals_seen >= 1);
  pthread_barrier_destroy(&barrier);
  sem_destroy(&semaphore);
  sigaction(SIGUSR1, &before, nullptr);
}

// glibc's broadcast to all threads: must neither hang nor lose the thread's errno.
void identity_changes() {
  static thread_local volatile int own;
  each([](int number) {
    own = number;
    pause();
    CHECK_THAT(seteuid(geteuid()) == 0);
    CHECK_THAT(setegid(getegid()) == 0);
    errno = 0;
    CHECK_THAT(setresuid(static_cast<uid_t>(-1), static_cast<uid_t>(-1), static_cast<uid_t>(-1)) ==
               0);
    CHECK_THAT(own == number);
  });
}

constexpr PolluxTestProgram kPrograms[] = {
    {"ErrorNumber", error_number, false, false, false},
    {"PlainThreadLocal", plain_thread_local, false, false, false},
    {"ConstructedThreadLocal", constructed_thread_local, false, false, false},
    {"Self", self, false, false, false},
    {"Keys", keys, false, false, false},
    {"Exceptions", exceptions, false, false, false},
    {"ExceptionCrossesThreads", exception_crosses_threads, false, false, false},
    {"LongJumps", long_jumps, false, false, false},
    {"Rounding", rounding, false, false, false},
    {"Locales", locales, false, false, false},
    {"Memory", memory, false, false, false},
    {"StackBounds", stack_bounds, false, false, false},
    {"Backtraces", backtraces, false, false, false},
    {"LockedFiles", locked_files, false, false, false},
    {"ExitsByUnwinding", exits_by_unwinding, false, false, false},
    {"Detached", detached, false, false, false},
    {"ManyOneAfterAnother", many_one_after_another, false, false, false},
    {"Names", names, false, false, false},
    {"Signals", signals, false, false, false},
    {"SignalsWhileWaiting", signals_while_waiting, false, false, false},
    {"IdentityChanges", identity_changes, false, false, false},
    {nullptr, nullptr, false, false, false},
};

}  // namespace

extern "C" const PolluxTestProgram* pollux_identity_programs() { return kPrograms; }
