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

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("deadlines", what);
}

struct Program {
  GoroutineThreads threads;
  int fd = sys_eventfd();  // nothing is ever written to it
  poll_desc* pd = nullptr;
  poll_result ended = poll_result::ok;

  void waiter() {
    Goroutine self(threads);
    do {
      ended = poll_reset(*pd, poll_mode::read);
      if (ended == poll_result::ok) ended = poll_wait(*pd, poll_mode::read);
    } while (ended == poll_result::ok);
  }

  void setter() {
    poll_set_deadline(*pd, 1, poll_modes::both);
    poll_set_deadline(*pd, kHour, poll_modes::write);
    poll_set_deadline(*pd, kHour, poll_modes::read);
  }

  // The last word was an hour for each direction, and no hour has passed.
  void check_moved() {
    must(netpoll_check_err(*pd, poll_mode::read) == poll_result::ok,
         "reads are past a deadline that was moved");
    must(netpoll_check_err(*pd, poll_mode::write) == poll_result::ok,
         "writes are past a deadline that was moved");
    must(pd->rd > 0 && pd->wd > 0, "a deadline that was moved is not there");
    must(threads.scheduler().counters().armed_timers == 2, "not one timer for each deadline");
  }

  void check_closed() {
    must(ended == poll_result::closing || ended == poll_result::timeout,
         "the reader stopped with neither a deadline nor a close");
    const RuntimeCounters counters = threads.scheduler().counters();
    must(counters.netpoll_waiters == 0, "the count of waiters is not 0");
    must(counters.armed_timers == 0, "a timer is left");
  }
};

}  // namespace

extern "C" void pollux_protocol_deadlines(void (*ready)()) {
  Program program;
  int error = 0;
  program.pd = poll_open(program.threads.scheduler(), program.fd, &error);
  ready();
  std::thread waiter([&] { program.waiter(); });
  std::thread setter([&] { program.setter(); });
  program.threads.poll(0);
  setter.join();
  program.check_moved();
  poll_unblock(*program.pd);
  waiter.join();
  program.check_closed();
  poll_close(program.pd);
  sys_close(program.fd);
}
