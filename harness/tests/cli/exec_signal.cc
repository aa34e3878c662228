// SPDX-License-Identifier: MIT
//
// A program that looks, gives up the mutex, and waits for a signal that may have come meanwhile;
// and what was edited in it since (exec_elsewhere_test.cc): EDIT 1 has something else come first,
// EDIT 2 waits at once.
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

std::mutex mutex;
std::condition_variable changed;
bool full = false;

void warm_up() {
#if EDIT == 1
  for (int i = 0; i < 2; ++i) std::lock_guard lock(mutex);
  close(eventfd(0, 0));
#endif
}

void consume() {
  warm_up();
  std::unique_lock lock(mutex);
  while (!full) {
#if EDIT != 2
    lock.unlock();
    lock.lock();
#endif
    changed.wait(lock);
  }
}

void produce() {
  warm_up();
  std::unique_lock lock(mutex);
  full = true;
  lock.unlock();
  changed.notify_one();
}

}  // namespace

int main() {
  std::thread consumer(consume), producer(produce);
  consumer.join();
  producer.join();
}
