// SPDX-License-Identifier: MIT
#include "toy_subject.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

// What was edited since a token was made (elsewhere_test.cc).
//   1: something else comes first
//   2: the careless code has moved to a function of its own, and looks once more
//   3: nobody is careless
#ifndef TOY_EDIT
#define TOY_EDIT 0
#endif

struct ToyBox {
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<bool> full = false;
  std::atomic<int> count = 0;
  std::atomic<int> looks = 0;
  int plain = 0;
  std::atomic<int*> kept = nullptr;
};

namespace {

void look_around([[maybe_unused]] ToyBox* box) {
#if TOY_EDIT == 1
  while (box->looks.fetch_add(1) < 3) {
  }
  close(eventfd(0, 0));
#endif
}

#if TOY_EDIT == 2
void add_carelessly(ToyBox* box) {
  if (box->count.load() < 0) return;
  box->count.store(box->count.load() + 1);
}
#endif

[[gnu::noinline]] void left_step(ToyBox* box) { box->plain += 1; }
[[gnu::noinline]] void left_leg(ToyBox* box) {
  left_step(box);
  box->looks.fetch_add(1);
}
[[gnu::noinline]] void right_step(ToyBox* box) { box->plain += 2; }
[[gnu::noinline]] void right_leg(ToyBox* box) {
  right_step(box);
  box->looks.fetch_add(1);
}

}  // namespace

extern "C" {

ToyBox* toy_new() { return new ToyBox; }
void toy_delete(ToyBox* box) {
  delete box->kept.load();
  delete box;
}

void toy_produce(ToyBox* box, int rounds, bool careless) {
  look_around(box);
  for (int i = 0; i < rounds; ++i) {
    std::unique_lock lock(box->mutex);
    box->changed.wait(lock, [box] { return !box->full.load(); });
    if (careless && TOY_EDIT != 3) lock.unlock();
    box->full.store(true);
    box->changed.notify_one();
  }
}

void toy_consume(ToyBox* box, int rounds) {
  look_around(box);
  for (int i = 0; i < rounds; ++i) {
    std::unique_lock lock(box->mutex);
    box->changed.wait(lock, [box] { return box->full.load(); });
    box->full.store(false);
    box->changed.notify_one();
  }
}

void toy_add(ToyBox* box, int rounds, bool careless) {
  look_around(box);
  for (int i = 0; i < rounds; ++i) {
    if (careless && TOY_EDIT != 3) {
#if TOY_EDIT == 2
      add_carelessly(box);
#else
      box->count.store(box->count.load() + 1);
#endif
    } else {
      box->count.fetch_add(1);
    }
  }
}

int toy_count(ToyBox* box) { return box->count.load(); }

void toy_bump_left(ToyBox* box) {
  left_leg(box);
  box->looks.fetch_add(1);
}
void toy_bump_right(ToyBox* box) {
  right_leg(box);
  box->looks.fetch_add(1);
}

void toy_keep(ToyBox* box) {
  if (box->kept.load() == nullptr) box->kept.store(new int(1));
}

}  // extern "C"
