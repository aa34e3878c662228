// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include "pollux/world.h"
#include "src/fd_mutex.h"
#include "subjects/goroutine_threads.h"
#include "subjects/protocols.h"

namespace {

using netpoll::fd_mutex;
using namespace pollux::properties;

void must(bool holds, const char* what) {
  if (!holds) pollux::fail("fdmutex", what);
}

struct Program {
  GoroutineThreads threads;
  fd_mutex mutex;
  std::atomic<int> inside{0};
  std::atomic<int> destroyed{0};

  void destroy() {
    must(inside.load() == 0, "destroyed while a reader is inside");
    must(destroyed.fetch_add(1) == 0, "destroyed twice");
  }

  void reader() {
    Goroutine self(threads);
    if (!mutex.rwlock(fd_mutex::dir::read)) return;
    must(inside.fetch_add(1) == 0, "two readers are inside");
    must(destroyed.load() == 0, "a reader is inside after the end");
    inside.fetch_sub(1);
    if (mutex.rwunlock(fd_mutex::dir::read)) destroy();
  }

  void closer() {
    must(mutex.incref_and_close(), "closed twice");
    if (mutex.decref()) destroy();
  }
};

}  // namespace

extern "C" void pollux_protocol_fdmutex(void (*ready)()) {
  Program program;
  ready();
  std::thread first([&] { program.reader(); });
  std::thread second([&] { program.reader(); });
  program.closer();
  first.join();
  second.join();
  must(program.destroyed.load() == 1, "never destroyed");
  must(program.mutex.word() == 1, "closed, but not without references, locks and waiters");
  must(program.mutex.tokens() == 0, "a wake-up is left over");
}
