// SPDX-License-Identifier: MIT
#include <chrono>
#include <thread>

#include "pollux/world.h"
#include "src/poll_fd.h"
#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using namespace netpoll;
using namespace pollux::properties;

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("pollfd", what);
}

bool is_closed(const Error& error) { return error.code() == Errc::file_closing; }

struct Program {
  GoroutineThreads threads;
  const int number = sys_eventfd();  // nothing is ever written to it
  poll_fd fd{threads.scheduler(), number, fd_type::file};
  int next_number = -1;
  poll_desc* next = nullptr;

  // Then opens another descriptor, which gets the number that the close sets free, or has set.
  void reader() {
    Goroutine self(threads);
    uint64_t value;
    const IoResult read = fd.read(&value, sizeof value);
    must(is_closed(read.err), "a read ended otherwise than by the close");
    int error = 0;
    next_number = sys_eventfd();
    if (next_number < 0) return;  // a fault left none
    next = poll_open(threads.scheduler(), next_number, &error);
  }

  void check_next() {
    must(next != nullptr, "the next descriptor could not be registered");
    // The break's eventfd may be ready as well, and poll after poll report that one alone.
    for (int i = 0; i < 100 && next->wg.load() != pd_ready; i++) threads.poll(0);
    must(next->wg.load() == pd_ready, "the next descriptor's registration is lost");
    poll_unblock(*next);
    poll_close(next);
    sys_close(next_number);
  }

  // Uses it without a lock.
  void setter() {
    Goroutine self(threads);
    const Error set =
        fd.set_deadline(std::chrono::steady_clock::now() + std::chrono::hours(1), poll_modes::both);
    must(!set || is_closed(set), "a deadline was refused by an open descriptor");
  }

  void closer() {
    Goroutine self(threads);
    must(!fd.close(), "the close failed");
    must(fd.sysfd() == -1, "the close is back before the descriptor is closed");
    must(is_closed(fd.close()), "a second close did not find it closed");
  }
};

}  // namespace

extern "C" void pollux_protocol_pollfd(void (*ready)()) {
  Program program;
  const Error error = program.fd.init();
  ready();
  must(!error, "the descriptor could not be registered");
  std::thread reader([&] { program.reader(); });
  std::thread setter([&] { program.setter(); });
  program.closer();
  reader.join();
  setter.join();
  if (program.next_number >= 0) program.check_next();
  const RuntimeCounters counters = program.threads.scheduler().counters();
  must(program.fd.mutex().word() == 1, "closed, but not without references, locks and waiters");
  must(program.fd.mutex().tokens() == 0, "a wake-up is left over");
  must(counters.live_poll_descs == 0, "the poll descriptor is not back");
  must(counters.netpoll_waiters == 0, "the count of waiters is not 0");
  must(counters.armed_timers == 0, "a timer is left");
}
