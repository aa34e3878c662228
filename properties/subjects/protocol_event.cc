// SPDX-License-Identifier: MIT
#include <errno.h>
#include <semaphore.h>

#include <atomic>
#include <thread>

#include "pollux/world.h"
#include "src/poll_desc.h"
#include "src/sys.h"
#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using namespace netpoll;
using namespace pollux::properties;

constexpr int64_t kHour = 3'600'000'000'000;

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("event", what);
}

struct Program {
  GoroutineThreads threads;
  int fd = sys_eventfd();
  poll_desc* pd = nullptr;
  sem_t moved;  // the deadline is far away now
  std::atomic<bool> done{false};

  // Until both events are read. A deadline that comes before is waited out, so that nothing but the
  // events ends the waiting.
  void waiter() {
    Goroutine self(threads);
    int needless = 0;
    for (uint64_t all = 0; all < 2;) {
      if (poll_reset(*pd, poll_mode::read) != poll_result::ok) {
        await_move();
        continue;
      }
      uint64_t value = 0;
      ssize_t n;
      while ((n = sys_read(fd, &value, sizeof value)) < 0) {
        if (n == -EINTR) continue;
        if (poll_wait(*pd, poll_mode::read) != poll_result::ok) {
          await_move();
        } else {
          must(++needless <= 4, "waits end and there is no event");
        }
      }
      all += value;
    }
    done.store(true);
    threads.scheduler().poller().wake();
  }

  void await_move() {
    while (sem_wait(&moved) != 0) {
    }
  }

  void setter() {
    poll_set_deadline(*pd, 1, poll_modes::read);
    poll_set_deadline(*pd, kHour, poll_modes::read);
    sem_post(&moved);
  }

  // One poll need not bring an event that is there.
  void poller() {
    for (int i = 0; i < 2; ++i) {
      sys_eventfd_write(fd);
      threads.poll(-1);
    }
    while (!done.load()) threads.poll(-1);
  }
};

}  // namespace

extern "C" void pollux_protocol_event(void (*ready)()) {
  Program program;
  int error = 0;
  sem_init(&program.moved, 0, 0);
  program.pd = poll_open(program.threads.scheduler(), program.fd, &error);
  program.threads.watch_slots();
  ready();
  std::thread waiter([&] { program.waiter(); });
  std::thread setter([&] { program.setter(); });
  program.poller();
  waiter.join();
  setter.join();
  must(program.threads.scheduler().counters().netpoll_waiters == 0,
       "the count of waiters is not 0");
  poll_unblock(*program.pd);
  poll_close(program.pd);
  sys_close(program.fd);
  sem_destroy(&program.moved);
}
