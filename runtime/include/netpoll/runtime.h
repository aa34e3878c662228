// SPDX-License-Identifier: MIT
// The runtime: goroutines on a fixed number of worker threads, one epoll instance, timers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "netpoll/debug.h"

namespace netpoll {

struct RuntimeOptions {
  // Worker threads, the caller of run() among them; 0 means one for each hardware thread.
  int workers = 0;
  // Bytes of stack for each goroutine, rounded up to whole pages; an inaccessible page lies below.
  // At least 16 KiB.
  size_t stack_size = 64 * 1024;
  // Look for I/O and due timers every 10 ms while no worker does: a monitor thread does, or between
  // two goroutines the only worker. Without it they wait until a worker runs out of goroutines.
  bool sysmon = true;
  // The most descriptors that may be registered at one time. Costs address space, not memory.
  uint32_t poll_descs_max = 1u << 16;
  // After a read that returned less than was asked for, the next read first waits for a new
  // readiness event instead of paying for the read that would return EAGAIN (epoll(7), question 9).
  // Turn it off for kernels whose short reads do not mean that the socket is drained.
  bool wait_after_short_read = true;
};

class scheduler;

// One instance. Instances are independent: there is no process-wide state, and any number may live
// at a time. Construction makes the epoll instance and aborts the process if the kernel refuses.
//
// Threads: construct, run and destroy from ordinary threads (not from a goroutine of the same
// instance); at most one run() at a time.
// Lifetime: every TcpConn and TcpListener made in this runtime must be closed or destroyed before
// it.
class Runtime {
 public:
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Makes the calling thread the first worker, starts the others, and runs `main` as the first
  // goroutine. Returns when it and every goroutine started since have ended, and the other workers
  // are gone. May be called again. If all goroutines wait
  // for each other, with no timer and no descriptor that could wake one, the process is aborted
  // with "all goroutines are asleep - deadlock!".
  void run(std::function<void()> main);

  int workers() const;
  PollDescRegion poll_desc_region() const;  // any thread
  RuntimeCounters counters() const;         // any thread

 private:
  std::unique_ptr<scheduler> scheduler_;
};

}  // namespace netpoll
