// SPDX-License-Identifier: MIT
#include <errno.h>

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

struct Program {
  GoroutineThreads threads;
  int fd = sys_eventfd();
  poll_desc* pd = nullptr;
  int reads = 0;
  poll_result ended = poll_result::ok;

  // As poll_fd::read, again and again.
  void waiter() {
    Goroutine self(threads);
    for (;;) {
      ended = poll_reset(*pd, poll_mode::read);
      if (ended != poll_result::ok) return;
      uint64_t value;
      for (ssize_t n; (n = sys_read(fd, &value, sizeof value)) < 0;) {
        if (n == -EINTR) continue;
        ended = poll_wait(*pd, poll_mode::read);
        if (ended != poll_result::ok) return;
      }
      ++reads;
    }
  }

  void deadline() {
    poll_set_deadline(*pd, 1, poll_modes::read);
    poll_set_deadline(*pd, kHour, poll_modes::read);
  }

  void closer() { poll_unblock(*pd); }

  void poller() {
    sys_eventfd_write(fd);
    threads.poll(0);
  }

  void check() {
    const RuntimeCounters counters = threads.scheduler().counters();
    auto must = [](bool holds, const char* what) {
      if (!holds) pollux::fail("polldesc", what);
    };
    must(reads <= 1, "one event was read twice");
    must(ended == poll_result::closing || ended == poll_result::timeout,
         "the reader stopped with neither a deadline nor a close");
    must(pd->closing, "the descriptor is not closing");
    for (uintptr_t slot : {pd->rg.load(), pd->wg.load()}) {
      must(slot == pd_nil || slot == pd_ready, "somebody is left in a slot");
    }
    must(counters.netpoll_waiters == 0, "the count of waiters is not 0");
    must(counters.armed_timers == 0, "a timer is left");
  }
};

}  // namespace

extern "C" void pollux_protocol_polldesc(void (*ready)()) {
  Program program;
  int error = 0;
  program.pd = poll_open(program.threads.scheduler(), program.fd, &error);
  program.threads.watch_slots();
  ready();
  std::thread waiter([&] { program.waiter(); });
  std::thread deadline([&] { program.deadline(); });
  std::thread closer([&] { program.closer(); });
  program.poller();
  waiter.join();
  deadline.join();
  closer.join();
  program.check();
  poll_close(program.pd);
  sys_close(program.fd);
}
