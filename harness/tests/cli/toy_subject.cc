// SPDX-License-Identifier: MIT
#include "toy_subject.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

struct ToyBox {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> full = false;
  std::atomic<int> count = 0;
};

extern "C" {

ToyBox* toy_new() { return new ToyBox; }
void toy_delete(ToyBox* box) { delete box; }

void toy_produce(ToyBox* box, int rounds, bool careless) {
  for (int i = 0; i < rounds; ++i) {
    std::unique_lock lock(box->mutex);
    box->changed.wait(lock, [box] { return !box->full.load(); });
    if (careless) lock.unlock();
    box->full.store(true);
    box->changed.notify_one();
  }
}

void toy_consume(ToyBox* box, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    std::unique_lock lock(box->mutex);
    box->changed.wait(lock, [box] { return box->full.load(); });
    box->full.store(false);
    box->changed.notify_one();
  }
}

void toy_add(ToyBox* box, int rounds, bool careless) {
  for (int i = 0; i < rounds; ++i) {
    if (careless) {
      box->count.store(box->count.load() + 1);
    } else {
      box->count.fetch_add(1);
    }
  }
}

int toy_count(ToyBox* box) { return box->count.load(); }

}  // extern "C"
