// SPDX-License-Identifier: MIT
// A descriptor that goroutines may use together: system calls first, waiting only on EAGAIN,
// deadlines, and a close that is safe at any time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "netpoll/error.h"
#include "netpoll/sync.h"
#include "src/fd_mutex.h"
#include "src/poll_desc.h"

namespace netpoll {

// Owns the descriptor: destroyed when it has been closed and the last operation has left.
// Errors carry no operation; the caller adds it.
class poll_fd {
 public:
  poll_fd(scheduler& s, int sysfd, bool is_stream)
      : sched_(s), sysfd_(sysfd), is_stream_(is_stream) {}
  ~poll_fd();  // closes, if nobody has
  poll_fd(const poll_fd&) = delete;
  poll_fd& operator=(const poll_fd&) = delete;

  // Registers with the poller. On error the descriptor works as a blocking one and can be closed.
  Error init();

  IoResult read(void* buf, size_t len);
  IoResult write(const void* buf, size_t len);
  // The new descriptor in *sysfd.
  Error accept(int* sysfd);
  // Waits for writability; for connect, before anybody else has the descriptor.
  Error wait_write();
  Error shutdown(int how);
  Error set_option(int level, int name, int value);
  Error set_option(int level, int name, const void* value, uint32_t len);
  Error set_deadline(std::chrono::steady_clock::time_point t, poll_modes modes);
  // Everything in progress ends with Errc::net_closing or its result; returns when the descriptor
  // is closed (for one that is not pollable: at once). The error of close(2) if it was ours to
  // call.
  Error close();

  scheduler& sched() const { return sched_; }
  int sysfd() const { return sysfd_; }
  const fd_mutex& mutex() const { return mutex_; }

 private:
  friend class fd_use;
  Error prepare(poll_mode mode);
  Error wait(poll_mode mode);
  Error prepare_read();
  int destroy();

  scheduler& sched_;
  int sysfd_;  // -1 once closed
  const bool is_stream_;
  bool is_blocking_ = false;
  bool drained_ = false;     // the last read emptied the socket; read lock
  poll_desc* pd_ = nullptr;  // null: not pollable
  fd_mutex mutex_;
  Semaphore closed_;  // one token, when the descriptor has been destroyed
};

}  // namespace netpoll
