// SPDX-License-Identifier: MIT
#include <thread>

#include "pollux/world.h"
#include "src/poll_cache.h"
#include "src/poll_desc.h"
#include "src/sys.h"
#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using namespace netpoll;
using namespace pollux::properties;

constexpr int64_t kHour = 3'600'000'000'000;

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("reuse", what);
}

struct Program {
  GoroutineThreads threads;
  scheduler& s = threads.scheduler();
  int pipe[2] = {-1, -1};
  int quiet = sys_eventfd();  // nothing is ever written to it
  poll_desc* first = nullptr;

  // The write end of a full pipe whose reader is gone: the one thing whose event is EPOLLERR alone.
  bool prepare() {
    static char bytes[64 * 1024];
    int error = 0;
    if (sys_pipe(pipe) != 0 || sys_write(pipe[1], bytes, sizeof bytes) != sizeof bytes)
      return false;
    first = poll_open(s, pipe[1], &error);
    if (first == nullptr) return false;
    threads.poll(0);  // what the registration reports
    sys_close(pipe[0]);
    poll_set_deadline(*first, 1, poll_modes::both);
    return true;
  }

  // One event and one callback, due both of them.
  void poller() { threads.poll(0); }

  // Ends the use that they belong to and begins another.
  void owner() {
    poll_unblock(*first);
    poll_close(first);
    int error = 0;
    poll_desc* second = poll_open(s, quiet, &error);
    must(second != nullptr, "no poll descriptor is left");
    poll_set_deadline(*second, kHour, poll_modes::both);
    poller_.join();
    must(netpoll_check_err(*second, poll_mode::read) == poll_result::ok,
         "the next user has an error or a deadline of the last one");
    must(netpoll_check_err(*second, poll_mode::write) == poll_result::ok,
         "the next user has a deadline of the last one");
    must(second->rg.load() == pd_nil, "the next user has an event of the last one");
    must(s.counters().armed_timers == 1, "not one timer for the deadline of both directions");
    poll_unblock(*second);
    poll_close(second);
    must(s.counters().live_poll_descs == 0, "a poll descriptor is lost");
    must(s.counters().armed_timers == 0, "a timer is left");
  }

  std::thread poller_;
};

}  // namespace

extern "C" void pollux_protocol_reuse(void (*ready)()) {
  Program program;
  const bool prepared = program.prepare();
  ready();
  must(prepared, "no full pipe could be made");
  program.poller_ = std::thread([&] { program.poller(); });
  program.owner();
  sys_close(program.pipe[1]);
  sys_close(program.quiet);
}
