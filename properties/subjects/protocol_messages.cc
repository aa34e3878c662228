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

constexpr uint64_t kMessages = 2;

struct Program {
  GoroutineThreads threads;
  int fd = sys_eventfd();
  poll_desc* pd = nullptr;
  uint64_t received = 0;

  // As poll_fd::read, until everything came. An eventfd adds up what was not read in time.
  void reader() {
    Goroutine self(threads);
    while (received < kMessages) {
      if (poll_reset(*pd, poll_mode::read) != poll_result::ok) return;
      uint64_t value;
      for (ssize_t n; (n = sys_read(fd, &value, sizeof value)) < 0;) {
        if (n == -EINTR) continue;
        if (poll_wait(*pd, poll_mode::read) != poll_result::ok) return;
      }
      received += value;
    }
  }
};

}  // namespace

extern "C" void pollux_protocol_messages(void (*ready)()) {
  Program program;
  int error = 0;
  program.pd = poll_open(program.threads.scheduler(), program.fd, &error);
  program.threads.watch_slots();
  ready();
  std::thread reader([&] { program.reader(); });
  for (uint64_t i = 0; i < kMessages; ++i) {
    sys_eventfd_write(program.fd);
    program.threads.poll(0);
  }
  reader.join();
  if (program.received != kMessages) pollux::fail("messages", "not all were received");
  poll_unblock(*program.pd);
  poll_close(program.pd);
  sys_close(program.fd);
}
