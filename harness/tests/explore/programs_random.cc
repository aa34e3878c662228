// SPDX-License-Identifier: MIT
#include "tests/explore/programs_random.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include <atomic>

namespace {

// Granules of their own: neighbours in one would be taken for one object.
struct alignas(64) Objects {
  alignas(64) std::atomic<int> word;
  alignas(64) pthread_mutex_t mutex;
  alignas(64) sem_t semaphore;
};
Objects objects[2];

}  // namespace

extern "C" {

void pollux_random_reset() {
  for (Objects& each : objects) {
    each.word = 0;
    each.mutex = PTHREAD_MUTEX_INITIALIZER;
    sem_init(&each.semaphore, 0, 0);
  }
}

void pollux_random_run(const PolluxOp* ops, size_t count, int* seen) {
  bool held[2] = {};
  for (size_t i = 0; i < count; ++i) {
    int object = ops[i].object & 1, value = ops[i].value;
    Objects& at = objects[object];
    switch (ops[i].kind) {
      case kPolluxLoad:
        seen[i] = at.word.load();
        break;
      case kPolluxStore:
        at.word.store(value);
        break;
      case kPolluxAdd:
        seen[i] = at.word.fetch_add(value);
        break;
      case kPolluxSwap: {
        int expected = value;
        seen[i] = at.word.compare_exchange_strong(expected, value + 1);
        break;
      }
      case kPolluxLock:
        if (!held[object]) pthread_mutex_lock(&at.mutex);
        held[object] = true;
        break;
      case kPolluxUnlock:
        if (held[object]) pthread_mutex_unlock(&at.mutex);
        held[object] = false;
        break;
      case kPolluxPost:
        sem_post(&at.semaphore);
        break;
      case kPolluxWait:
        sem_wait(&at.semaphore);
        break;
      case kPolluxTryWait:
        seen[i] = sem_trywait(&at.semaphore);
        break;
      case kPolluxSleep: {
        timespec time{0, 1000 * (value + 1)};
        nanosleep(&time, nullptr);
        break;
      }
      case kPolluxTimedWait: {
        timespec time{1000, 1000 * value};  // the clock shows 1000 s when a run begins
        seen[i] = sem_clockwait(&at.semaphore, CLOCK_MONOTONIC, &time);
        break;
      }
      default:
        sched_yield();
    }
  }
  for (int object : {0, 1}) {
    if (held[object]) pthread_mutex_unlock(&objects[object].mutex);
  }
}

int pollux_random_word(int word) { return objects[word].word; }
}
