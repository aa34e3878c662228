// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using namespace pollux::properties;

struct Program {
  GoroutineThreads threads;
  std::atomic<int> work{0};

  void wake() {
    work.fetch_add(1);
    threads.scheduler().poller().wake();
  }

  void wake_between_polls() {
    threads.poll(0);
    wake();
    threads.poll(0);
  }

  // A worker looks for work before it blocks. A wake-up that gets lost shows as a poller that waits
  // for ever beside work.
  void poller() {
    for (int taken = work.exchange(0); taken != 3; taken += work.exchange(0)) threads.poll(-1);
  }
};

}  // namespace

extern "C" void pollux_protocol_break(void (*ready)()) {
  Program program;
  ready();
  std::thread first([&] {
    program.wake();
    program.wake();
  });
  std::thread second([&] { program.wake_between_polls(); });
  program.poller();
  first.join();
  second.join();
}
