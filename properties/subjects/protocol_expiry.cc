// SPDX-License-Identifier: MIT
#include <thread>

#include "pollux/world.h"
#include "src/poll_desc.h"
#include "src/sys.h"
#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using namespace netpoll;
using namespace pollux::properties;

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("expiry", what);
}

struct Program {
  GoroutineThreads threads;
  int fd = sys_eventfd();  // nothing is ever written to it
  poll_desc* pd = nullptr;
  poll_result reads = poll_result::ok;
  poll_result writes = poll_result::ok;

  void wait(poll_mode mode, poll_result& ended) {
    Goroutine self(threads);
    do {
      ended = poll_reset(*pd, mode);
      if (ended == poll_result::ok) ended = poll_wait(*pd, mode);
    } while (ended == poll_result::ok);
  }
};

}  // namespace

extern "C" void pollux_protocol_expiry(void (*ready)()) {
  Program program;
  int error = 0;
  program.pd = poll_open(program.threads.scheduler(), program.fd, &error);
  ready();
  std::thread reader([&] { program.wait(poll_mode::read, program.reads); });
  std::thread writer([&] { program.wait(poll_mode::write, program.writes); });
  // In this order: setting a deadline also wakes whom one that has passed already should have
  // woken.
  poll_set_deadline(*program.pd, -1, poll_modes::read);
  poll_set_deadline(*program.pd, 1, poll_modes::write);
  program.threads.poll(0);  // runs the timer
  reader.join();
  writer.join();
  must(program.reads == poll_result::timeout, "a read did not end with its deadline");
  must(program.writes == poll_result::timeout, "a write did not end with its deadline");
  const RuntimeCounters counters = program.threads.scheduler().counters();
  must(counters.netpoll_waiters == 0, "the count of waiters is not 0");
  must(counters.armed_timers == 0, "a timer is left");
  poll_unblock(*program.pd);
  poll_close(program.pd);
  sys_close(program.fd);
}
