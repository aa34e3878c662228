// SPDX-License-Identifier: MIT
//
// A program whose goroutines all sleep for ever once a blocking call has returned. It ends with
// status 0 when the runtime says so; a runtime that misses the moment leaves it hanging. The moment
// is whoever comes last: a worker that goes idle, or the thread of the call.
#include <unistd.h>

#include <csignal>

#include "netpoll/go.h"
#include "netpoll/runtime.h"
#include "netpoll/sync.h"

int main() {
  std::signal(SIGABRT, [](int) { ::_exit(0); });
  netpoll::RuntimeOptions options;
  options.workers = 2;
  netpoll::Runtime runtime(options);
  runtime.run([] {
    netpoll::blocking([] {});
    netpoll::Semaphore().acquire();
  });
  return 1;
}
